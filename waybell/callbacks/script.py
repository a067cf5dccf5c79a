"""What the dialplan needs to go on with a call whose first phone has answered, as one word that the channel carries.

Waybell writes it when it places the call, so that any server can take each step, the database being there or not.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, dataclass, fields

from waybell.callbacks.values import Kind, Party, Plan
from waybell.routing.state import StateError

PREFIX = "callback."
"""What a state of these begins with; no node of a flow can be called so."""

_SEPARATOR = "\x1f"
_LIST = "\x1e"
_PLAIN = ("phase", "id", "tried", "ring_seconds", "longest_seconds", "confirm_seconds", "language")
_PARTY = len(fields(Party))


@dataclass(frozen=True, slots=True)
class Way:
    """One line to the second phone: what is dialled, the number shown there, the line's name."""

    dial: str
    shown: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """A call after the first answer. ``phase``: which verb's result comes next; ``tried``: how often it was done.

    ``ways`` to the second phone are tried in turn. ``recording``: the id under which the call is recorded, if it is;
    ``announced``: the prompt that tells whoever is rung second so. Times are seconds; ``confirm_seconds`` 0: no key is
    asked for.
    """

    id: str
    plan: Plan
    ways: tuple[Way, ...]
    ring_seconds: int
    longest_seconds: int
    confirm_seconds: int = 0
    language: str = "ru"
    phase: str = "answered"
    tried: int = 0
    recording: str = ""
    announced: str = ""


def encode(script: Script) -> str:
    """``script`` as one word of letters, digits, ``-``, ``_``, ``=`` and a dot."""
    plan = script.plan
    ways = _LIST.join(text for way in script.ways for text in astuple(way))
    texts = (
        *(str(getattr(script, name)) for name in _PLAIN),
        *(plan.kind.value, plan.courier, plan.parcel, plan.client),
        *astuple(plan.first),
        *astuple(plan.second),
        ways,
        *((script.recording, script.announced) if script.recording else ()),
    )
    packed = _SEPARATOR.join(text.replace(_SEPARATOR, " ") for text in texts)
    return PREFIX + urlsafe_b64encode(packed.encode("utf-8", "replace")).decode("ascii")


def decode(word: str) -> Script:
    """What :func:`encode` wrote. Raises :class:`~waybell.routing.state.StateError`."""
    try:
        texts = urlsafe_b64decode(word.removeprefix(PREFIX)).decode("utf-8").split(_SEPARATOR)
        phase, id_, tried, ring, longest, confirm, language, kind, courier, parcel, client, *rest = texts
        first, second, (ways, *taped) = Party(*rest[:_PARTY]), Party(*rest[_PARTY : 2 * _PARTY]), rest[2 * _PARTY :]
        plan = Plan(Kind(kind), first, second, courier, parcel, client)
        counts = int(ring), int(longest), int(confirm)
        return Script(id_, plan, _ways(ways), *counts, language, phase, int(tried), *taped)
    except (ValueError, TypeError) as error:
        raise StateError(f"no state of ours: {word[:80]!r}") from error


def _ways(text: str) -> tuple[Way, ...]:
    texts = text.split(_LIST) if text else []
    size = len(fields(Way))
    if len(texts) % size:
        raise ValueError("half a way")
    return tuple(Way(*texts[at : at + size]) for at in range(0, len(texts), size))
