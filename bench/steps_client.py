"""Asks a FastAGI server for first steps as fast as it answers, as Asterisk would: for what a hundred thousand calls
do to a process, without an hour of telephony."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import cast

from bench.traffic import PlannedCall

# As Asterisk 22 sends them, with what differs from call to call left out.
_ALWAYS = {
    "network": "yes",
    "network_script": "step",
    "request": "agi://127.0.0.1:4573/step",
    "language": "ru",
    "type": "PJSIP",
    "version": "22.10.1",
    "calleridname": "unknown",
    "callingpres": "0",
    "callingani2": "0",
    "callington": "0",
    "callingtns": "0",
    "dnid": "unknown",
    "rdnis": "unknown",
    "context": "waybell",
    "extension": "s",
    "priority": "6",
    "enhanced": "0.0",
    "accountcode": "",
    "threadid": "140658846660288",
    "arg_1": "",
    "arg_2": "",
}
_SECONDS = 10.0


class NoAnswerError(Exception):
    """The server closed without a command, or took too long."""


class StepsClient:
    """Asks the server at ``port``, ``at_once`` requests at a time."""

    def __init__(self, port: int, at_once: int = 32) -> None:
        self._port = port
        self._at_once = at_once
        self._asked = 0

    async def ask(self, calls: list[PlannedCall]) -> None:
        """One first step for each of ``calls``. Raises :class:`NoAnswerError`."""
        waiting = iter(calls)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(self._ask_each(waiting))

    async def _ask_each(self, waiting: Iterator[PlannedCall]) -> None:
        loop = asyncio.get_running_loop()
        for planned in waiting:
            self._asked += 1
            over: asyncio.Future[bytes] = loop.create_future()
            await loop.create_connection(
                partial(_Peer, environment(planned, self._asked), over), "127.0.0.1", self._port
            )
            async with asyncio.timeout(_SECONDS):
                command = await over
            if planned.dial.encode() not in command:
                raise NoAnswerError(f"{planned} was answered with {command!r}")


def environment(planned: PlannedCall, number: int) -> bytes:
    """The request of the ``number``-th call's first step."""
    own = {
        "channel": f"PJSIP/trunk-{number:08x}",
        "uniqueid": f"pbx1-1795312826.{number}",
        "callerid": planned.caller,
    }
    lines = {**own, **_ALWAYS, "arg_3": planned.dialled}
    return "".join(f"agi_{name}: {value}\n" for name, value in lines.items()).encode() + b"\n"


class _Peer(asyncio.Protocol):
    def __init__(self, environment: bytes, over: asyncio.Future[bytes]) -> None:
        self._environment, self._over, self._command = environment, over, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._environment)

    def data_received(self, data: bytes) -> None:
        self._command += data
        if self._command.endswith(b"\n"):
            self._transport.write(b"200 result=1\n")

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._over.done():
            self._over.set_result(self._command)
