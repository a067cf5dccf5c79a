"""Other people's AMI clients at our door: panoramisk and pyst2."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from panoramisk import Manager

from tests.loopback.ami.client import Served, serving
from tests.unit.ami.company import COURIER, CUSTOMER, SECRET

PYST2 = Path(__file__).with_name("pyst2_client.py")
CALL = {
    "Action": "Originate",
    "Channel": f"SIP/trunk/{COURIER}",
    "Exten": CUSTOMER,
    "Context": "outgoing",
    "Priority": "1",
    "CallerID": "0",
}


@contextlib.asynccontextmanager
async def panoramisk(server: Served, secret: str = SECRET) -> AsyncIterator[Manager]:
    """A panoramisk manager that has asked to log in."""
    connected = asyncio.Event()
    # In the end it would connect again after a second.
    manager = Manager(
        loop=asyncio.get_running_loop(),
        host="127.0.0.1",
        port=server.port,
        username="measoft",
        secret=secret,
        on_connect=lambda _: connected.set(),
    )
    await manager.connect()
    await connected.wait()
    try:
        yield manager
    finally:
        manager.protocol.closed = True
        manager.protocol.transport.close()
        manager.pinger.cancel()


async def test_panoramisk_logs_in_and_places_a_call() -> None:
    async with serving() as server, panoramisk(server) as manager:
        answer = await manager.send_action(dict(CALL), as_list=False)
        assert (answer.response, answer.message) == ("Success", "Originate successfully queued")
        assert manager.authenticated
        assert manager.protocol.version == "9.0.0"
        again = await manager.send_action(dict(CALL), as_list=False)
        assert again.success
        assert len(server.callbacks.calls) == 1


async def test_panoramisk_hears_what_was_not_allowed_and_goes_on() -> None:
    async with serving() as server, panoramisk(server) as manager:
        answer = await manager.send_action(CALL | {"Variable": ["A=1", "B=2"]})
        assert (answer.response, "Variable" in answer.message) == ("Error", True)
        answer = await manager.send_action(CALL | {"Application": "System", "Data": "id"})
        assert answer.message == "Header Application is not allowed in an Originate"
        answer = await manager.send_command("core show channels")
        assert answer.message == "Permission denied"
        assert (await manager.send_action({"Action": "Ping"})).ping == "Pong"
        assert server.callbacks.requests == 0


async def test_panoramisk_with_a_wrong_secret_hears_so() -> None:
    async with serving() as server, panoramisk(server, secret="wrong") as manager:
        answer = await manager.authenticated_future
        assert answer.message == "Authentication failed"
        assert not manager.authenticated


async def pyst2(server: Served, secret: str) -> list[str]:
    """What pyst2 was told."""
    arguments = ["-W", "ignore", str(PYST2), str(server.port), secret, f"SIP/trunk/{COURIER}", CUSTOMER]
    program = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    out, _ = await program.communicate()
    told: list[str] = json.loads(out)
    return told


async def test_pyst2_logs_in_and_places_a_call() -> None:
    async with serving() as server:
        assert await pyst2(server, SECRET) == [
            "Asterisk Call Manager",
            "9.0.0",
            "Generated Header",
            "Authentication accepted",
            "Originate successfully queued",
            "Originate successfully queued",
            "Header Context is not one agreed for this user",
            "Pong",
            "Permission denied",
        ]
        assert len(server.callbacks.calls) == 1


async def test_pyst2_with_a_wrong_secret_hears_so() -> None:
    async with serving() as server:
        assert (await pyst2(server, "wrong"))[-1] == "Authentication failed"
