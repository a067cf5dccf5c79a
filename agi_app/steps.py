"""What a FastAGI request means to Waybell: one step of a call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from agi_app.commands import Command, set_variable
from agi_app.events import Environment
from waybell import numbers
from waybell.numbers import NumberKind
from waybell.people.values import People
from waybell.routing import state as states
from waybell.routing.dialling import Dialling
from waybell.routing.flow import Flow
from waybell.routing.step import Facts, Step, step
from waybell.routing.verbs import VARIABLE, answer

_PATH = "step"
_NOBODY_TO_ASK_FOR = (NumberKind.ANONYMOUS, NumberKind.INVALID)


class UnknownRequestError(ValueError):
    """The dialplan asked for something that is not served here."""


def _now() -> datetime:
    return datetime.now(UTC)


class Steps:
    """Serves ``agi://…/step`` with the arguments state, result and DID; holds nothing about a call."""

    def __init__(self, flow: Flow, people: People, dialling: Dialling, clock: Callable[[], datetime] = _now) -> None:
        self._flow = flow
        self._people = people
        self._dialling = dialling
        self._clock = clock
        # Bound here, once: a lazy logger would be made anew for every step, also where nothing is written.
        self._log = structlog.get_logger("steps").bind()

    async def __call__(self, request: Environment) -> Command:
        """The one command that answers ``request``."""
        if request.path.strip("/") != _PATH:
            raise UnknownRequestError(f"agi://…/{request.path}: only /{_PATH} is served; is the dialplan ours?")
        word, result, dialed = (*request.args, "", "", "")[:3]
        state = states.decode(word) if word else None
        facts = await self._facts(request, dialed, first=state is None)
        taken = step(self._flow, state, result, facts, self._clock())
        self._tell(request, taken)
        return set_variable(VARIABLE, answer(taken))

    async def _facts(self, request: Environment, dialed: str, *, first: bool) -> Facts:
        caller = numbers.parse(request.variables.get("agi_callerid", ""), self._dialling.plan)
        if not first or caller.kind in _NOBODY_TO_ASK_FOR:
            return Facts(caller, self._dialling, dialed)
        return Facts(caller, self._dialling, dialed, await self._people.identify(caller.digits))

    def _tell(self, request: Environment, taken: Step) -> None:
        self._log.debug(
            "step",
            call=request.variables.get("agi_uniqueid", ""),
            came_from=taken.note.step,
            result=taken.note.last,
            node=taken.state.node,
            verb=taken.verb,
            why=taken.note.why,
        )
