"""What we say about a call in Asterisk's own event log.

A note travels inside one AGI command, through dialplan variables, into ``CELGenUserEvent(WAYBELL,…)`` and
comes back in the event log. It is written as ``key=value`` pairs joined by ``;``. Every character that AGI, the
dialplan or the log could take for syntax is percent-encoded; letters of any alphabet stay readable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from urllib.parse import unquote

# A whole AGI command must stay under Asterisk's 8192-byte line; a why or a name never needs more than this.
_LONGEST_VALUE = 200
_LONGEST_LIST = 40
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
    that is; ``manager`` is the extension list of the manager this step rings.
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


_TEXT_FIELDS = tuple(f.name for f in fields(Note) if f.name != "to")
_REQUIRED = ("step", "verb", "why", "source")


def encode(note: Note) -> str:
    """``note`` as one line without commas, quotes, brackets, ``$``, ``;`` inside values or control characters."""
    pairs = [f"{name}={_escape(getattr(note, name))}" for name in _TEXT_FIELDS if getattr(note, name)]
    if note.to:
        pairs.append("to=" + "|".join(_encode_target(target) for target in note.to[:_LONGEST_LIST]))
    return ";".join(pairs)


def decode(text: str) -> Note | None:
    """The note that :func:`encode` wrote, or ``None`` when ``text`` is not one. Unknown keys are passed over."""
    raw = dict(_pairs(text.split(";")))
    if not all(name in raw for name in _REQUIRED):
        return None
    values = {name: unquote(raw[name]) for name in _TEXT_FIELDS if name in raw}
    targets = tuple(_decode_target(part) for part in raw["to"].split("|")) if raw.get("to") else ()
    return Note(**values, to=targets)


def _pairs(parts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for part in parts:
        key, found, value = part.partition("=")
        if found:
            yield key, value


def _encode_target(target: Target) -> str:
    values = (target.number, target.kind, target.id, target.name)
    return "~".join(_escape(value) for value in values).rstrip("~")


def _decode_target(text: str) -> Target:
    return Target(*(unquote(value) for value in text.split("~")[:4]))


def _escape(text: str) -> str:
    return _SPECIAL.sub(_percent, text[:_LONGEST_VALUE])


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "replace"))
