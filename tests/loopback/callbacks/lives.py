"""Waybells that live one after the other and are killed, and the telephones that outlive them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.loopback.ari.fake_ari import FakeAri

ROOT = Path(__file__).parents[3]


class Telephones(FakeAri):
    """Ring until they are hung up. ``meanwhile`` is awaited when one is to ring, before it does."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = "first_deleted_ringing"
        self.meanwhile: Callable[[str], Awaitable[None]] | None = None

    @property
    def rung(self) -> list[str]:
        """The calls of all that was rung."""
        return [str(body["extension"]) for body in self.originated]

    async def settled(self) -> None:
        """Returns when all that the dead have sent has been dealt with."""
        state = self._server.server_state
        while state.connections or state.tasks:  # noqa: ASYNC110 - the web server has no event for it
            await asyncio.sleep(0.001)

    async def _originate(self, request: Request) -> Response:
        body = await request.json()
        if self.meanwhile:
            await self.meanwhile(body["extension"])
        return await super()._originate(request)

    async def _info(self, _request: Request) -> Response:
        return JSONResponse({"status": {"startup_time": "2020-01-01T00:00:00.000+0000"}})


@dataclass(frozen=True, slots=True)
class Life:
    """``gave`` is what each thing that it did came to; nothing when it was ``killed``."""

    steps: tuple[str, ...]
    killed: bool
    gave: Any


class Lives:
    """Waybells on one store and one Asterisk, one after the other; ``died_at`` are the steps at which they did."""

    def __init__(self, store: str, phones: Telephones) -> None:
        self._store, self._phones = store, phones
        self.died_at: list[str] = []

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.loopback.callbacks.mortal",
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def live(self, *does: Sequence[str], dies_at: int = 0, ahead: float = 0.0) -> Life:
        """One life; see :func:`tests.loopback.callbacks.mortal._live`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        life: dict[str, Any] = {"store": self._store, "ari": self._phones.url, "password": self._phones.password}
        life |= {"does": does, "dies_at": dies_at, "ahead": ahead}
        self._process.stdin.write(json.dumps(life).encode() + b"\n")
        told = json.loads(await self._process.stdout.readline())
        lived = Life(tuple(told["steps"]), told["killed"], told["gave"])
        assert lived.killed or lived.gave is not None, "a life failed; its traceback is on standard error"
        if lived.killed:
            self.died_at.append(lived.steps[-1])
        return lived

    async def restarted(self, *does: Sequence[str], ahead: float = 0.0) -> Any:
        """What a life gives that nobody ends, begun when the dead are forgotten."""
        await self._phones.settled()
        return (await self.live(*does, ahead=ahead)).gave
