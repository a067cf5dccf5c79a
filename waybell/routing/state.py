"""What a call carries from step to step, so that any server can take the next one.

The state travels through the dialplan as one word: the node's name, a dot, and the rest in base64url. It holds all
that later steps need of the CRM, so a call asks the CRM once.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter

MENU_KEYS = 9
"""A menu's keys are 1 to 9."""

# Between the texts of a packed state: ASCII's own unit separator, which no text of a person's holds.
_SEPARATOR = "\x1f"
_LONGEST_NAME = 60


class StateError(ValueError):
    """The dialplan handed back a state that no step of ours wrote."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One courier who holds parcels of the caller's, with what it takes to ring them or their manager."""

    parcel: str = ""
    courier: str = ""
    courier_name: str = ""
    courier_phone: str = ""
    manager: str = ""
    manager_name: str = ""
    client: str = ""


NOTHING_CHOSEN = Choice()


@dataclass(frozen=True, slots=True)
class State:
    """Where a call stands: the node whose verb runs, who calls, whom they chose, whom they can choose from.

    ``recording``: the id under which it is recorded.
    """

    node: str
    number: str = ""
    kind: str = ""
    id: str = ""
    name: str = ""
    source: str = ""
    chosen: Choice = NOTHING_CHOSEN
    choices: tuple[Choice, ...] = ()
    attempts: int = 0
    recording: str = ""


_texts = attrgetter("number", "kind", "id", "name", "source")
_choice = attrgetter(*(field.name for field in fields(Choice)))
_HEAD = 6
_CHOICE = len(fields(Choice))


def encode(state: State) -> str:
    """``state`` as one word of letters, digits, ``-``, ``_``, ``=`` and one dot.

    Nothing is cut: half a telephone number is somebody else's. See :func:`short_name` for what may be shortened.
    """
    texts = (*_texts(state), str(state.attempts), *_choice(state.chosen))
    for choice in state.choices:
        texts += _choice(choice)
    if state.recording:
        texts += (state.recording,)
    packed = _SEPARATOR.join(texts)
    if packed.count(_SEPARATOR) >= len(texts):
        packed = _SEPARATOR.join(text.replace(_SEPARATOR, " ") for text in texts)
    return f"{state.node}.{urlsafe_b64encode(packed.encode('utf-8', 'replace')).decode('ascii')}"


def decode(word: str) -> State:
    """The state that :func:`encode` wrote. Raises :class:`StateError`."""
    node, _dot, packed = word.partition(".")
    try:
        texts = urlsafe_b64decode(packed).decode("utf-8").split(_SEPARATOR)
        number, kind, id_, name, source, attempts = texts[:_HEAD]
        # A recording's id is one text behind the choices, where there is one.
        recording = texts.pop() if len(texts) % _CHOICE == (_HEAD + 1) % _CHOICE else ""
        chosen, *choices = _choices(texts[_HEAD:])
        return State(node, number, kind, id_, name, source, chosen, tuple(choices), int(attempts), recording)
    except ValueError as error:
        raise StateError(f"no state of ours: {word[:80]!r}") from error


def short_name(text: str | None, longest: int = _LONGEST_NAME) -> str:
    """``text`` as far as a state carries it; a name is for the journal and the called phone's display only."""
    return text[:longest] if text else ""


def _choices(texts: list[str]) -> Iterable[Choice]:
    if len(texts) % _CHOICE:
        raise ValueError("half a choice")
    return (Choice(*texts[at : at + _CHOICE]) for at in range(0, len(texts), _CHOICE))
