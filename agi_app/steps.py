"""What a FastAGI request means to Waybell: one step of a call."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from agi_app.commands import Command, set_variable
from agi_app.events import Environment
from waybell import numbers
from waybell.callbacks.script import PREFIX, Script, decode
from waybell.callbacks.steps import next_step, other_way, without_way
from waybell.people.values import People
from waybell.routing import state as states
from waybell.routing.dialling import Dialling
from waybell.routing.extras import NO_EXTRAS, Extras, recording_id
from waybell.routing.flow import Flow
from waybell.routing.state import State
from waybell.routing.step import Facts, Step, step
from waybell.routing.verbs import VARIABLE, answer

_PATH = "step"
_ADVICE = {"what_to_do": "set calls.company_number"}


Room = Callable[[str, str], Awaitable[bool]]
"""Takes a place for a call (its id) on a line (its name), and tells whether there was room."""

AskedLately = Callable[[str], Awaitable[bool]]
"""Whether the person with this number was asked for a rating lately."""


class UnknownRequestError(ValueError):
    """The dialplan asked for something that is not served here."""


def _now() -> datetime:
    return datetime.now(UTC)


class Steps:
    """Serves ``agi://…/step`` with the arguments state, result and DID; holds nothing about a call."""

    def __init__(
        self,
        flow: Flow,
        people: People,
        dialling: Dialling,
        clock: Callable[[], datetime] = _now,
        *,
        room: Room | None = None,
        extras: Extras = NO_EXTRAS,
        asked_lately: AskedLately | None = None,
    ) -> None:
        """``room``: takes a place on another line for a call that Waybell placed; without it every line has room.

        ``extras``: which calls are recorded and rated; ``asked_lately``: without it nobody was.
        """
        self._room = room
        self._extras = extras
        self._asked_lately = asked_lately
        self._flow = flow
        self._people = people
        self._dialling = dialling
        self._clock = clock
        # Bound here, once: a lazy logger would be made anew for every step, also where nothing is written.
        self._log = structlog.get_logger("steps").bind()
        self._tells = self._log.is_enabled_for(logging.DEBUG)
        if not dialling.company_number:
            self._log.warning("couriers see no number of the company's, and a trunk may refuse such a call", **_ADVICE)

    async def __call__(self, request: Environment) -> Command:
        """The one command that answers ``request``."""
        if request.path.strip("/") != _PATH:
            raise UnknownRequestError(f"agi://…/{request.path}: only /{_PATH} is served; is the dialplan ours?")
        word, result, dialed = (*request.args, "", "", "")[:3]
        if word.startswith(PREFIX):
            return set_variable(VARIABLE, next_step(await self._with_room(decode(word), result), result))
        if word:
            state = states.decode(word)
            facts = self._known(state, dialed)
        else:
            state = None
            facts = await self._found(request, dialed)
        if self._extras is not NO_EXTRAS:
            facts = await self._with_extras(facts, state, result)
        taken = step(self._flow, state, result, facts, self._clock())
        if self._tells:
            self._tell(request, taken)
        return set_variable(VARIABLE, answer(taken))

    async def _with_room(self, script: Script, result: str) -> Script:
        """``script`` without the lines that are full, up to the one it goes on to."""
        while self._room and (way := other_way(script, result)) and not await self._room(script.id, way.line):
            script = without_way(script)
        return script

    async def _with_extras(self, facts: Facts, state: State | None, result: str) -> Facts:
        """``facts`` of a call that may be recorded or rated; an id is drawn even if this step needs none."""
        new_id = recording_id(self._clock(), secrets.token_hex(10))
        extras = replace(self._extras, new_id=new_id)
        if state and result == "ANSWER" and extras.rated.marks and self._asked_lately:
            extras = replace(extras, may_ask=not (state.number and await self._asked_lately(state.number)))
        return replace(facts, extras=extras)

    async def _found(self, request: Environment, dialed: str) -> Facts:
        caller = numbers.parse(request.variables.get("agi_callerid", ""), self._dialling.plan)
        # Nobody is recognised by an extension: these are calls from outside, where anybody can claim to have it.
        lookup = await self._people.identify(caller.digits) if caller.has_e164 else None
        return Facts(caller, self._dialling, dialed, lookup)

    def _known(self, state: State, dialed: str) -> Facts:
        # By now the channel's caller id is what the last phone was shown.
        caller = numbers.parse(state.number and f"+{state.number}", self._dialling.plan)
        return Facts(caller, self._dialling, dialed)

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
