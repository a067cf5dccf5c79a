"""What we say about a call in Asterisk's own event log.

A note travels inside one AGI command, through dialplan variables, into ``CELGenUserEvent(WAYBELL,…)`` and
comes back in the event log. It is written as ``key=value`` pairs joined by ``;``. Every character that AGI, the
dialplan or the log could take for syntax is percent-encoded; letters of any alphabet stay readable.

Asterisk 22 cuts a record of its event log at 1,024 bytes, and a note stands in its record twice. So a note has two
parts of at most 290 bytes, each an event of its own: the first holds what matters most, the second, which is
mostly empty, what had no room there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from urllib.parse import unquote

_PART_BYTES = 290
_VALUE_BYTES = 150
_LIST_BYTES = 250
# Sorts behind every first part, which begins with "step": two events may carry the same microsecond.
_SECOND = "then=2"
_SPECIAL = re.compile(r"[^\w .+@:/#!?*-]")


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody whose phone a step rings: ``number`` as dialled (E.164 digits or an extension)."""

    number: str
    kind: str = ""
    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """One step of a call's route. Empty text means "nothing known".

    ``last`` is the result of the verb before this one (``BUSY``, ``NOANSWER``, a menu's digit, …). ``source`` is
    ``crm``, ``cache`` or ``fallback``. ``number`` is the caller's, normalised; ``kind``, ``id`` and ``name`` say who
    that is; ``manager`` is the extension list of the manager this step rings. ``recording`` is the id of what this step
    records; ``rating`` is ``asked`` where it asks the caller for one, and 1 to 5 once they gave it.
    """

    step: str
    verb: str
    why: str
    source: str
    last: str = ""
    number: str = ""
    dialed: str = ""
    kind: str = ""
    id: str = ""
    name: str = ""
    parcel: str = ""
    courier: str = ""
    client: str = ""
    manager: str = ""
    to: tuple[Target, ...] = ()
    recording: str = ""
    rating: str = ""


_REQUIRED = ("step", "verb", "why", "source")
_TEXT_FIELDS = (
    *_REQUIRED,
    *("last", "rating", "recording", "number", "kind", "id"),
    *("parcel", "courier", "client", "manager", "dialed", "name"),
)
"""In the order of their weight: what has no room in the second part either is left out."""
_texts = attrgetter(*_TEXT_FIELDS)


def encode(note: Note) -> tuple[str, str]:
    """``note`` as two parts without commas, quotes, brackets, ``$`` or control characters; the second may be empty."""
    named = zip(_TEXT_FIELDS, _texts(note), strict=True)
    pairs = [f"{name}={_escape(text, _VALUE_BYTES)}" for name, text in named if text]
    if note.to:
        pairs.insert(len(_REQUIRED), "to=" + _encode_targets(note.to))
    whole = ";".join(pairs)
    if _size(whole) <= _PART_BYTES:
        return whole, ""
    rest = [_SECOND]
    first = _fill([], pairs, rest)
    return ";".join(first), ";".join(rest)


def decode(first: str, second: str = "") -> Note | None:
    """The note that :func:`encode` wrote, or ``None`` when it is not one. Unknown keys are passed over."""
    raw = dict(_pairs(f"{first};{second}".split(";")))
    if not all(name in raw for name in _REQUIRED):
        return None
    values = {name: unquote(raw[name]) for name in _TEXT_FIELDS if name in raw}
    targets = tuple(_decode_targets(raw["to"])) if raw.get("to") else ()
    return Note(**values, to=targets)


def is_second(text: str) -> bool:
    """Whether ``text`` is the second part of a note."""
    return text.startswith(_SECOND + ";")


def _fill(first: list[str], pairs: list[str], rest: list[str]) -> list[str]:
    """Each pair goes where there is room for all of it: first part, second, nowhere."""
    room = [_PART_BYTES, _PART_BYTES - len(_SECOND) - 1]
    for pair in pairs:
        size = _size(pair) + 1
        for number, part in enumerate((first, rest)):
            if size <= room[number]:
                part.append(pair)
                room[number] -= size
                break
    return first


def _pairs(parts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for part in parts:
        key, found, value = part.partition("=")
        if found:
            yield key, value


def _encode_targets(targets: tuple[Target, ...]) -> str:
    """A manager's extensions differ in the number only: what is as in the one before is left out."""
    written: list[str] = []
    before: Target | None = None
    room = _LIST_BYTES
    for target in targets:
        values = (target.number, target.kind, target.id, target.name)
        same = before is not None and values[1:] == (before.kind, before.id, before.name)
        text = _escape(target.number, 40) if same else "~".join(_escape(value, 60) for value in values)
        room -= _size(text) + 1
        if room < 0:
            break
        written.append(text)
        before = target
    return "|".join(written)


def _decode_targets(text: str) -> Iterable[Target]:
    target = Target("")
    for part in text.split("|"):
        values = [unquote(value) for value in part.split("~")]
        target = replace(target, number=values[0]) if len(values) == 1 else Target(*values[:4])
        yield target


def _escape(text: str, most: int) -> str:
    """``text`` with what could be syntax percent-encoded, cut to ``most`` bytes between two letters."""
    if len(text) <= most and text.isascii() and text.isalnum():
        return text  # as most are
    escaped = _SPECIAL.sub(_percent, text[:most])
    while _size(escaped) > most:
        text = text[: min(len(text), most) * 9 // 10]
        escaped = _SPECIAL.sub(_percent, text)
    return escaped


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "replace"))
