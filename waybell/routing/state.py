"""What a call carries from step to step, so that any server can take the next one.

The state travels through the dialplan as one word: the node's name, a dot, and the rest as base64url JSON. It
holds all that later steps need of the CRM, so a call asks the CRM once.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, fields, replace

MENU_KEYS = 9
"""A menu's keys are 1 to 9."""


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


@dataclass(frozen=True, slots=True)
class State:
    """Where a call stands: the node whose verb runs, who calls, whom they chose, whom they can choose from."""

    node: str
    number: str = ""
    kind: str = ""
    id: str = ""
    name: str = ""
    source: str = ""
    chosen: Choice = Choice()
    choices: tuple[Choice, ...] = ()
    attempts: int = 0

    def at(self, node: str) -> State:
        """The same call at another node, with no attempts made there yet."""
        return self if node == self.node else replace(self, node=node, attempts=0)


_CHOICE = tuple(field.name for field in fields(Choice))


def encode(state: State) -> str:
    """``state`` as one word of letters, digits, ``-``, ``_``, ``=`` and one dot."""
    rest = [
        state.number,
        state.kind,
        state.id,
        state.name[:60],
        state.source,
        _choice(state.chosen),
        [_choice(choice) for choice in state.choices[:MENU_KEYS]],
        state.attempts,
    ]
    packed = json.dumps(rest, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return f"{state.node}.{urlsafe_b64encode(packed).decode('ascii')}"


def decode(word: str) -> State:
    """The state that :func:`encode` wrote. Raises :class:`StateError`."""
    node, _dot, packed = word.partition(".")
    try:
        number, kind, id_, name, source, chosen, choices, attempts = json.loads(urlsafe_b64decode(packed))
        texts = (str(number), str(kind), str(id_), str(name), str(source))
        picked = Choice(*map(str, chosen))
        open_choices = tuple(Choice(*map(str, choice)) for choice in choices)
        return State(node, *texts, picked, open_choices, int(attempts))
    except (ValueError, TypeError, RecursionError) as error:
        raise StateError(f"no state of ours: {word[:80]!r}") from error


def _choice(choice: Choice) -> list[str]:
    return [getattr(choice, name)[:60] for name in _CHOICE]
