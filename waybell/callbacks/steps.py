"""What the dialplan does next with a call that Waybell placed: ``next_step(script, result) -> (script, answer)``. Pure.

The first phone has answered. Whoever is there presses a key, so that no voicemail is ever joined with a customer; then
the second phone is rung, over one line after the other; when nobody is reached, the first one hears why.
"""

from __future__ import annotations

from dataclasses import replace

from waybell.callbacks.causes import is_line_failure
from waybell.callbacks.script import Script, Way, encode
from waybell.callbacks.values import Kind
from waybell.notes import Note, Target
from waybell.routing.extras import recording_file
from waybell.routing.menu import spoken_digits
from waybell.routing.state import StateError
from waybell.routing.verbs import say

_ASKED_TWICE = 2
# The line itself failed, so another one may do: no circuit, no route, refused by the provider.
_LINE_FAILED = ("CHANUNAVAIL", "CONGESTION")
# Prompts and the Q.850 cause of our hang-up, by what Dial said.
_OUTCOMES = {
    "BUSY": ("callback-busy", "17", "busy"),
    "NOANSWER": ("callback-no-answer", "19", "no answer"),
}
_UNREACHABLE = ("callback-unreachable", "20", "not reachable")
_SILENT = "no key was pressed"
_NOTHING_PRESSED = frozenset(("TIMEOUT", "ERROR", "HANGUP", "INTERRUPTED", "SKIPPED", ""))


def next_step(script: Script, result: str) -> str:
    """The value of ``WAYBELL_NEXT`` for ``script`` after ``result``, what the dialplan's last verb reported.

    Raises :class:`~waybell.routing.state.StateError` for a script of a phase that there is not.
    """
    word, _, sip_status = result.partition("-")
    if script.phase == "answered":
        return _confirm(script, "") if script.confirm_seconds else _connect(script, "the first phone answered", "")
    if script.phase == "confirm":
        if word not in _NOTHING_PRESSED:
            return _connect(replace(script, tried=0), "a key was pressed", word)
        if script.tried < _ASKED_TWICE:
            return _confirm(script, word)
        why = "the question could not be played: make the prompts (waybell prompts)" if word == "ERROR" else _SILENT
        return _hangup(script, "16", why, word)
    if script.phase == "record":
        return _connect(script, "the call is recorded", word)
    if script.phase == "connect":
        return _after_dial(script, word, sip_status)
    if script.phase == "said":
        return _hangup(script, "16", "nobody was reached", word)
    raise StateError(f"callback {script.id} has no phase {script.phase[:20]!r}")


def other_way(script: Script, result: str) -> Way | None:
    """The line that :func:`next_step` would go on to, the one before having failed; ``None`` when it goes on to none.

    The first line was counted when the call was placed; whether there is room on another one must be asked.
    """
    word, _, sip_status = result.partition("-")
    if script.phase != "connect" or script.tried >= len(script.ways) or not _line_failed(word, sip_status):
        return None
    return script.ways[script.tried]


def without_way(script: Script) -> Script:
    """``script`` that passes over the next of its lines."""
    return replace(script, tried=script.tried + 1)


def _confirm(script: Script, last: str) -> str:
    prompts = "&".join(f"waybell/{name}" for name in _question(script))
    why = "whoever answered is to press a key" + (" after all" if script.tried else "")
    after = replace(script, phase="confirm", tried=script.tried + 1)
    return _say(after, "menu", (prompts, str(script.confirm_seconds), script.language), why, last)


def _question(script: Script) -> list[str]:
    if script.plan.parcel:
        return ["callback-press-parcel", *spoken_digits(script.plan.parcel)]
    return ["callback-press"]


def _record(script: Script, why: str, last: str) -> str:
    """Whoever is rung next is the one who cannot send the call on: recorded there, it stays so through a transfer."""
    after = replace(script, phase="record")
    note = replace(note_of(after, "recordnext", f"{why}; the call is recorded", last), recording=script.recording)
    arguments = (recording_file(script.recording), script.announced, script.language)
    return say(encode(after), "recordnext", arguments, note)


def _connect(script: Script, why: str, last: str) -> str:
    if script.recording and script.phase in ("answered", "confirm"):
        return _record(script, why, last)
    if script.tried >= len(script.ways):
        return _sorry(script, last)
    way = script.ways[script.tried]
    after = replace(script, phase="connect", tried=script.tried + 1)
    arguments = (way.dial, str(script.ring_seconds), way.shown, str(script.longest_seconds))
    line = f" over line {way.line}" if way.line else ""
    return _say(after, "connect", arguments, f"{why}; ring {_whom(script)}{line}", last, rings=True)


def _after_dial(script: Script, word: str, sip_status: str) -> str:
    if word == "ANSWER":
        return _hangup(script, "16", "the call is over", word)
    if _line_failed(word, sip_status) and script.tried < len(script.ways):
        return _connect(script, "the line failed", word)
    return _sorry(script, word)


def _line_failed(word: str, sip_status: str) -> bool:
    """Asterisk calls much a failure of the line; who refused or is unknown there is not rung again over another one."""
    status = int(sip_status[:3]) if sip_status.isascii() and sip_status.isdigit() else 0
    return is_line_failure(0, status) if status else word in _LINE_FAILED


def _sorry(script: Script, word: str) -> str:
    prompt, _, why = _OUTCOMES.get(word, _UNREACHABLE)
    return _say(replace(script, phase="said"), "say", (f"waybell/{prompt}", script.language), why, word)


def _hangup(script: Script, cause: str, why: str, last: str) -> str:
    return _say(replace(script, phase="over"), "hangup", (cause,), why, last)


def _whom(script: Script) -> str:
    second = script.plan.second
    return f"{second.kind or 'number'} {second.id}".strip() if second.id else f"{second.kind or 'the number'}"


def _say(script: Script, verb: str, arguments: tuple[str, ...], why: str, last: str, *, rings: bool = False) -> str:
    return say(encode(script), verb, arguments, note_of(script, "dial" if rings else verb, why, last, rings=rings))


def note_of(script: Script, verb: str, why: str, last: str = "", *, rings: bool = False) -> Note:
    """The step as the journal tells it: whoever wanted the call is its caller."""
    plan = script.plan
    first, second = plan.first, plan.second
    targets = (Target(second.number, second.kind, second.id, second.name),) if rings else ()
    return Note(
        "callback" if plan.kind is not Kind.CLICK else "click",
        verb,
        why,
        "crm",
        last,
        first.number,
        second.number,
        first.kind,
        first.id,
        first.name,
        plan.parcel,
        plan.courier,
        plan.client,
        "",
        targets,
    )
