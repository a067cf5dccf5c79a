"""A call on its way through a flow, and what an element of the flow makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from waybell.notes import Target
from waybell.numbers import PhoneNumber
from waybell.people.values import Lookup
from waybell.routing.dialling import Dialling
from waybell.routing.extras import NO_EXTRAS, Extras
from waybell.routing.flow import Node
from waybell.routing.state import NOTHING_CHOSEN, Choice, State


# Named tuples, because some of them are made for every call and thrown away at once.
class Go(NamedTuple):
    """Nothing for the dialplan to do here: leave the node by ``exit``."""

    exit: str
    why: str


class Do(NamedTuple):
    """The dialplan is to run ``verb`` with ``args``."""

    verb: str
    args: tuple[str, ...]
    why: str
    targets: tuple[Target, ...] = ()
    manager: str = ""
    recording: str = ""
    rating: str = ""


@dataclass(slots=True)
class Walk:
    """A call on its way through a flow, from one verb to the next. What the elements change of it is its state.

    ``recording``: the id under which the call is recorded; ``rating``: what the caller has just given; ``over``: they
    have talked, and the other side has hung up.
    """

    caller: PhoneNumber
    lookup: Lookup | None
    dialling: Dialling
    result: str
    node: Node
    number: str = ""
    kind: str = ""
    id: str = ""
    name: str = ""
    source: str = ""
    chosen: Choice = NOTHING_CHOSEN
    choices: tuple[Choice, ...] = ()
    attempts: int = 0
    recording: str = ""
    dialed: str = ""
    extras: Extras = NO_EXTRAS
    rating: str = ""
    over: bool = False

    def enter(self, node: Node) -> None:
        """On to ``node``; coming to the same one again is another attempt there."""
        if node is not self.node:
            self.node = node
            self.attempts = 0

    def state(self) -> State:
        """Where the call stands now."""
        return State(
            self.node.name,
            self.number,
            self.kind,
            self.id,
            self.name,
            self.source,
            self.chosen,
            self.choices,
            self.attempts,
            self.recording,
        )
