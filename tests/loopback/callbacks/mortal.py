"""A Waybell that places calls, and is killed at a step of one's choice: ``python -m tests.loopback.callbacks.mortal``.

Each line read is a life (see :func:`_live`). It is lived in a process of its own, which is forked with everything
loaded: a fresh start would take half a second, and there are hundreds. A life dies by ``SIGKILL`` at its ``dies_at``-th
step; the steps are each statement and commit, before and after it, and whatever the HTTP library does for a question
to Asterisk. For each life one line is written: the steps it came to, whether it was killed, and what it gave.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from ari_app import rest
from ari_app.access import Access
from ari_app.client import AriClient
from ari_app.supervise import CallSupervisor
from tests.loopback.callbacks.company import APP, WISH, Cards
from waybell.callbacks.asking import Asking
from waybell.callbacks.destinations import Policy
from waybell.callbacks.happenings import FirstEnded
from waybell.callbacks.hours import Hours
from waybell.callbacks.limits import Limits
from waybell.callbacks.lines import Line
from waybell.callbacks.placing import Options, Placing
from waybell.callbacks.ports import Pbx, PbxUnavailableError
from waybell.callbacks.service import CallbackService, Parts
from waybell.callbacks.store import CallbackStore
from waybell.callbacks.values import Callback, RefusedError
from waybell.store.engine import make_engine

_MANY = 1_000_000
_LIMITS = Limits(*(_MANY,) * 7)


class Steps:
    """Tells ``out`` of each step, and kills this process at the ``last``-th; 0: never."""

    def __init__(self, last: int, out: TextIO) -> None:
        self._last, self._out = last, out
        self._taken = 0

    def take(self, what: str) -> None:
        """``what`` is about to be done, or has been."""
        self._taken += 1
        self._out.write(json.dumps({"step": what}) + "\n")
        self._out.flush()
        if self._taken == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def follow_sql(self, engine: AsyncEngine) -> None:
        """Every statement and commit of ``engine``."""
        sync = engine.sync_engine
        event.listen(sync, "before_cursor_execute", lambda *of: self.take(f"before {_short(of[2])}"))
        event.listen(sync, "after_cursor_execute", lambda *of: self.take(f"after {_short(of[2])}"))
        commit = sync.dialect.do_commit

        def followed(connection: Any) -> None:
            self.take("before COMMIT")
            commit(connection)
            self.take("after COMMIT")

        sync.dialect.do_commit = followed  # type: ignore[assignment,method-assign] # there is no event after it

    def follow_http(self) -> None:
        """Every step of a question to Asterisk and of its answer, as the HTTP library tells them to our client."""
        note = rest._Sending.note

        async def followed(sending: rest._Sending, name: str, info: Mapping[str, Any]) -> None:
            await note(sending, name, info)
            self.take(f"HTTP {name.partition('.')[2]}")

        rest._Sending.note = followed  # type: ignore[assignment,method-assign]


def _short(statement: str) -> str:
    words = statement.split()
    return f"{words[0]} {words[words.index('FROM') + 1]}" if "FROM" in words else " ".join(words[:3])


def main() -> None:
    """Lives and tells until there is no more to read."""
    asyncio.run(_warm_up())
    gc.freeze()  # what is shared with the children is not to be copied for its sake
    gc.disable()
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _in_a_process_of_its_own(json.loads(line), writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told = [json.loads(one) for one in pipe]
        _, status = os.waitpid(child, 0)
        answer: dict[str, Any] = {"steps": [one["step"] for one in told if "step" in one]}
        answer["killed"] = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        answer["gave"] = next((one["gave"] for one in told if "gave" in one), None)
        print(json.dumps(answer), flush=True)


async def _warm_up() -> None:
    """Has everything loaded that is loaded when first used."""
    engine = make_engine("sqlite+aiosqlite:///:memory:")
    async with AriClient(Access("http://127.0.0.1:1", "nobody", "here")) as pbx, engine.connect():
        with suppress(PbxUnavailableError):
            await pbx.channels()
    await engine.dispose()


def _in_a_process_of_its_own(life: dict[str, Any], writing: int) -> None:
    status = 1
    os.dup2(2, 1)  # where logs go
    try:
        with os.fdopen(writing, "w") as out:
            gave = asyncio.run(_live(life, Steps(life["dies_at"], out)))
            out.write(json.dumps({"gave": gave}) + "\n")
        status = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(status)


async def _live(life: dict[str, Any], steps: Steps) -> list[Any]:
    """What each of ``life["does"]`` gives: ``["request", key]``, ``["cancel", id]``, ``["line_failed", channel]``,
    ``["under_way"]``, ``["check"]`` (of the calls, as after each connection to Asterisk and now and then). A call is
    given as a dictionary, a refusal as its HTTP status. ``life["ahead"]``: by how many seconds its clock is.
    """
    engine = make_engine(life["store"])
    access = Access(life["ari"], "waybell", life["password"])
    try:
        async with AriClient(access) as pbx:
            steps.follow_sql(engine)
            steps.follow_http()
            store = CallbackStore(engine, 30)
            service = _service(store, pbx, timedelta(seconds=life["ahead"]))
            return [await _do(service, store, *what) for what in life["does"]]
    finally:
        await engine.dispose()


async def _do(service: CallbackService, store: CallbackStore, what: str, *about: str) -> Any:
    try:
        match what:
            case "request":
                return _shown(await service.request(APP, WISH, about[0]))
            case "cancel":
                return _shown(await service.cancel(APP, about[0]))
            case "line_failed":
                return _shown(await service.first_ended(about[0], FirstEnded(34, 503)))
            case "check":
                connected = CallSupervisor(service)
                await connected.on_connected()
                await connected.on_check()
                return None
            case _:
                return [_shown(call) for call in await store.under_way()]
    except RefusedError as refused:
        return refused.status


def _service(store: CallbackStore, pbx: Pbx, ahead: timedelta) -> CallbackService:
    policy = Policy(company_number="74951234567")
    codes = {"one": "1", "two": "2"}
    lines = tuple(Line(name, "PJSIP/{number}@trunk", at_once=_MANY, access_code=code) for name, code in codes.items())
    hours = Hours("00:00", "24:00")
    options = Options(lines=lines, company_number="74951234567", hours=hours, policy=policy, limits=_LIMITS)
    parts = Parts(store, Asking(Cards(), policy), Placing(options), pbx, lambda: True)
    return CallbackService(parts, lambda: datetime.now(UTC) + ahead)


def _shown(call: Callback | None) -> dict[str, Any] | None:
    return {"id": call.id, "status": call.status.value, "reason": call.reason} if call else None


if __name__ == "__main__":
    main()
