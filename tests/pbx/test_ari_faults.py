"""A real Asterisk's event connection that breaks, and an Asterisk that dies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ari_app.access import Access
from ari_app.client import AriClient
from ari_app.limits import Patience
from lab.asterisk import Asterisk
from lab.phone import NO_ANSWER, Phone, Reject
from tests.loopback.ari.record import COURIER, DIALPLAN
from tests.loopback.ari.watching import Watcher, listening
from tests.loopback.ari.wire import Wire
from waybell.callbacks.ports import Originate, PbxUnavailableError

from .conftest import MakeAsterisk

pytestmark = pytest.mark.pbx

ROUNDS = 100


@pytest.fixture
async def pbx(asterisk: MakeAsterisk) -> Asterisk:
    return await asterisk(extra_files={"waybell.conf": DIALPLAN})


@pytest.fixture
async def phone(pbx: Asterisk) -> AsyncIterator[Phone]:
    async with Phone(pbx.trunk_address, pbx.sip_address, NO_ANSWER) as one:
        yield one


@pytest.fixture
async def wire(pbx: Asterisk) -> AsyncIterator[Wire]:
    async with Wire(int(pbx.settings.http_port)) as one:
        yield one


def access_of(pbx: Asterisk, wire: Wire) -> Access:
    """By way of ``wire``."""
    return Access(f"http://127.0.0.1:{wire.port}", "waybell", pbx.settings.ari_password)


def call(channel_id: str) -> Originate:
    """A call to the courier."""
    return Originate(channel_id, f"PJSIP/{COURIER}@trunk", "record", "wait", "74951234567", "Waybell", 20, {})


@pytest.mark.parametrize("how", ["reset", "silent"])
@pytest.mark.usefixtures("phone")
async def test_a_call_goes_on_while_the_connection_is_lost_and_its_end_is_seen(
    pbx: Asterisk, wire: Wire, how: str
) -> None:
    watcher, access = Watcher(), access_of(pbx, wire)
    async with listening(access, watcher), AriClient(access) as client:
        await watcher.connected()
        await client.originate(call("wb-1"))
        await watcher.until(lambda: watcher.events)
        (wire.reset if how == "reset" else wire.hush)()
        await watcher.connected(2)
    async with listening(access, watcher), AriClient(access) as client:
        await watcher.connected(3)
        assert "wb-1" in await client.channels()
        await client.hangup("wb-1")
        assert (await watcher.destroyed("wb-1")).cause == 16


async def test_connections_that_break_while_a_phone_changes_do_not_lock_asterisk_up(
    pbx: Asterisk, wire: Wire, phone: Phone
) -> None:
    phone.default = Reject(486, after=0.005)
    watcher, straight = Watcher(), replace(access_of(pbx, wire), url=pbx.ari_url)
    quick = Patience(longest_retry=0.05)
    async with listening(access_of(pbx, wire), watcher, quick), AriClient(straight) as client:
        for number in range(ROUNDS):
            await watcher.connected(number + 1)
            await client.originate(call(f"wb-{number}"))
            await watcher.destroyed(f"wb-{number}")
            wire.reset()
        await watcher.connected(ROUNDS + 1)
        await client.originate(call("wb-last"))
        assert (await watcher.destroyed("wb-last")).tech_cause == 486


async def test_after_asterisk_died_the_next_one_is_known_by_its_start_and_its_channels(
    pbx: Asterisk, wire: Wire, phone: Phone, asterisk: MakeAsterisk
) -> None:
    watcher, access = Watcher(), access_of(pbx, wire)
    password = {"ari_password": access.password}
    async with listening(access, watcher), AriClient(access) as client:
        await watcher.connected()
        await client.originate(call("wb-1"))
        await phone.called(COURIER)
        before = await client.started_at()
        await pbx.kill9()
        await watcher.until(lambda: watcher.lost)
        with pytest.raises(PbxUnavailableError):
            await client.channels()
        another = await asterisk(extra_files={"waybell.conf": DIALPLAN}, settings=password)
        wire.upstream = int(another.settings.http_port)
        await watcher.connected(2)
        assert not await client.channels()
        assert await client.started_at() > before
