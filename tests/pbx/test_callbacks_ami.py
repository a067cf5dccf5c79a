"""MeaSoft's own bytes at the AMI door ring two real phones, once, and only whom the rules allow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lab.callbacks import PARTS, CallingStack, calling_stack
from lab.phone import BUSY
from lab.waybell_process import free_port
from tests.pbx.journal import JournalReader

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

BORIS, ANNA, STRANGER = "79010000011", "79161000001", "79990000000"
PORT = free_port()
USER = {
    "name": "measoft",
    "secret": "s3cret-of-measoft",
    "networks": ["127.0.0.0/8"],
    "channel": "SIP/trunk",
    "context": "from-internal",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CallingStack]:
    changes = {"ami": {"listen": f"127.0.0.1:{PORT}", "users": [USER]}}
    async with calling_stack(tmp_path_factory.mktemp("ami"), changes=changes, only=f"{PARTS},ami") as all_:
        yield all_


def manual(caller: str, to: str) -> bytes:
    """What the manual says that MeaSoft's server sends, in one packet."""
    lines = [
        *("Action: login", "Username: measoft", "Secret: s3cret-of-measoft", ""),
        *("Action: originate", f"Channel: SIP/trunk/{caller}", "WaitTime: 30", "CallerId: 0", f"Exten: {to}"),
        *("Context: from-internal", "Priority: 1", "", "Action: Logoff", "", ""),
    ]
    return "\r\n".join(lines).encode()


async def ask(data: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    writer.write(data)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer.decode()


async def test_the_manuals_bytes_ring_the_courier_once_however_often_they_are_sent(company: CallingStack) -> None:
    company.stack.provider.behaviours = {BORIS: BUSY}
    first, second = await asyncio.gather(*(ask(manual(f"+{BORIS}", f"+{ANNA}")) for _ in range(2)))
    for answer in (first, second):
        assert answer.startswith("Asterisk Call Manager/")
        assert "Originate successfully queued" in answer
    rung = await company.stack.provider.called(BORIS)
    await rung.ended()
    async with JournalReader(company.stack) as journal:
        await journal.finished(1)
        [row] = await journal.rows()
    assert (row["direction"], row["status"], row["courier"], row["parcel"]) == ("callback", "busy", "11", "10")
    assert len(company.stack.provider.calls) == 1


async def test_a_number_that_is_none_of_the_couriers_customers_is_refused(company: CallingStack) -> None:
    company.stack.provider.calls.clear()
    answer = await ask(manual(f"+{BORIS}", f"+{STRANGER}"))
    assert "Response: Error" in answer
    assert "successfully" not in answer
    assert company.stack.provider.calls == []


async def test_a_user_behind_a_trunk_rings_no_extension(company: CallingStack) -> None:
    company.stack.office.calls.clear()
    answer = await ask(manual("199", f"+{STRANGER}"))
    assert "Response: Error" in answer
    assert company.stack.office.calls == []
