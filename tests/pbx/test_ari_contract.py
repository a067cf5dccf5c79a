"""One contract for a real Asterisk and for the fake that other tests use: what calls look like over ARI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from ari_app.access import Access
from ari_app.client import AriClient
from ari_app.events import (
    ChannelCreated,
    ChannelDestroyed,
    ChannelEnteredBridge,
    ChannelStateChange,
    Dial,
    Event,
)
from lab.asterisk import Asterisk
from lab.phone import Phone
from tests.loopback.ari.fake_ari import FakeAri
from tests.loopback.ari.record import COURIER, CUSTOMER, DIALPLAN, SCENES
from tests.loopback.ari.watching import Watcher, eventually, listening
from waybell.callbacks.ports import Originate, PbxRefusedError

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What the table's words are: dialstatuses after the first, empty one, then cause/tech_cause of the channel's end; the
# first channel, then the second.
STORIES = {
    "first_answers_and_hangs_up": ("RINGING ANSWER 0/0",),
    "first_answers_dialplan_ends": ("RINGING ANSWER 16/0",),
    "first_busy": ("BUSY 17/486",),
    "first_declines": ("NOANSWER 21/603",),
    "first_deleted_ringing": ("RINGING NOANSWER 16/0",),
    "first_deleted_talking": ("RINGING ANSWER 16/0", "RINGING ANSWER 16/0"),
    "first_deleted_up": ("RINGING ANSWER 16/0",),
    "first_deleted_while_second_rings": ("RINGING ANSWER 16/0", "RINGING CANCEL 16/0"),
    "first_hangs_up_talking": ("RINGING ANSWER 16/0", "RINGING ANSWER 16/0"),
    "first_hangs_up_while_second_rings": ("RINGING ANSWER 0/0", "RINGING CANCEL 16/0"),
    "first_no_answer": ("RINGING 19/480",),
    "first_not_found": ("NOANSWER 1/404",),
    "first_rings_and_answers": ("RINGING ANSWER 0/0",),
    "first_silent": (" 19/480",),
    "first_unavailable": ("CONGESTION 34/503",),
    "first_unreachable": ("NOANSWER 19/480",),
    "second_answers_and_hangs_up": ("RINGING ANSWER 16/0", "RINGING ANSWER 16/0"),
    "second_busy": ("RINGING ANSWER 17/486", "BUSY 17/486"),
    "second_declines": ("RINGING ANSWER 21/403", "NOANSWER 21/603"),
    "second_no_answer": ("RINGING ANSWER 16/0", "RINGING NOANSWER 0/0"),
    "second_not_found": ("RINGING ANSWER 1/404", "NOANSWER 1/404"),
    "second_unavailable": ("RINGING ANSWER 34/503", "CONGESTION 34/503"),
    "second_unreachable": ("RINGING ANSWER 19/480", "NOANSWER 19/480"),
}
_ACTS: Mapping[str, Callable[[Event], bool]] = {
    "first_deleted_ringing": lambda one: isinstance(one, ChannelStateChange) and one.state == "Ringing",
    "first_deleted_up": lambda one: isinstance(one, Dial) and one.dialstatus == "ANSWER",
    "first_hangs_up_while_second_rings": lambda one: (
        isinstance(one, Dial) and one.caller_id != "" and one.dialstatus == "RINGING"
    ),
    "first_hangs_up_talking": lambda one: isinstance(one, ChannelEnteredBridge) and one.channel_id.startswith("wb-"),
}
ACTS = {
    **_ACTS,
    "first_deleted_while_second_rings": _ACTS["first_hangs_up_while_second_rings"],
    "first_deleted_talking": _ACTS["first_hangs_up_talking"],
}
APP = "contract"


class Site:
    """An ARI to ask, and the phones around it."""

    access: Access

    async def begin(self, name: str) -> None:
        """The next call is to follow the scene ``name``."""
        raise NotImplementedError

    async def hang_up(self) -> None:
        """The first phone hangs up."""
        raise NotImplementedError


class FakeSite(Site):
    """The recordings, played."""

    def __init__(self, ari: FakeAri) -> None:
        self.access, self._ari = ari.access, ari

    async def begin(self, name: str) -> None:
        """Chooses the recording."""
        self._ari.scene = name

    async def hang_up(self) -> None:
        """It is in the recording already."""


class RealSite(Site):
    """An Asterisk with phones."""

    def __init__(self, pbx: Asterisk, phone: Phone) -> None:
        self.access = Access(pbx.ari_url, "waybell", pbx.settings.ari_password, app=APP)
        self._phone = phone

    async def begin(self, name: str) -> None:
        """Tells the phones what to do."""
        self._phone.calls.clear()
        self._phone.behaviours = {COURIER: SCENES[name].first, CUSTOMER: SCENES[name].second}

    async def hang_up(self) -> None:
        """With a BYE."""
        await (await self._phone.called(COURIER)).hangup()


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=["fake", pytest.param("real", marks=pytest.mark.pbx)]
)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    if request.param == "fake":
        async with FakeAri(APP) as ari:
            yield FakeSite(ari)
        return
    async with Asterisk(extra_files={"waybell.conf": DIALPLAN}) as pbx:
        async with Phone(pbx.trunk_address, pbx.sip_address) as phone:
            yield RealSite(pbx, phone)
        await pbx.kill9()


def call(name: str, channel_id: str) -> Originate:
    """The call of a scene."""
    scene = SCENES[name]
    variables = {"TO": CUSTOMER, "SECONDS": str(scene.second_ring)}
    dial = f"PJSIP/{COURIER}@trunk"
    return Originate(channel_id, dial, "record", scene.extension, "74951234567", "Waybell", scene.ring, variables)


@pytest_asyncio.fixture(loop_scope="module")
async def client(site: Site) -> AsyncIterator[AriClient]:
    async with AriClient(site.access) as one:
        yield one


@pytest.mark.parametrize("name", SCENES)
async def test_a_call_is_told_as_it_was_recorded(site: Site, client: AriClient, name: str) -> None:
    watcher, channel_id = Watcher(), f"wb-{name}"
    async with listening(site.access, watcher):
        await watcher.connected()
        await site.begin(name)
        await client.originate(call(name, channel_id))
        if name in ACTS:
            await watcher.until(lambda: any(ACTS[name](one) for one in watcher.events))
            await (site.hang_up() if "hangs_up" in name else client.hangup(channel_id))
        await watcher.until(
            lambda: (
                ends(watcher.events) == {one.channel_id for one in watcher.events if isinstance(one, ChannelCreated)}
            )
        )
    assert stories(watcher.events, channel_id) == STORIES[name]
    assert channel_id not in await client.channels()


async def test_an_id_is_unique_while_its_channel_lives_and_free_again_after(site: Site, client: AriClient) -> None:
    watcher, again = Watcher(), replace(call("first_deleted_ringing", "wb-again"))
    async with listening(site.access, watcher):
        await watcher.connected()
        for times in (1, 2):
            await site.begin("first_deleted_ringing")
            await client.originate(again)
            await watcher.counted(ChannelCreated, times)
            with pytest.raises(PbxRefusedError, match="already exists") as raised:
                await client.originate(again)
            assert raised.value.status == 409
            assert "wb-again" in await client.channels()
            assert await client.hangup("wb-again")
            await watcher.counted(ChannelDestroyed, times)
            assert not await client.hangup("wb-again")


async def test_an_endpoint_that_is_unknown_is_refused_with_what_to_do(client: AriClient) -> None:
    with pytest.raises(PbxRefusedError, match="pjsip show endpoints") as raised:
        await client.originate(replace(call("first_busy", "wb-1"), dial="PJSIP/79010000011@nosuch"))
    assert raised.value.status == 500
    assert not await client.channels()


async def test_a_wrong_password_is_refused_everywhere(site: Site) -> None:
    wrong = replace(site.access, password="guess")
    async with AriClient(wrong) as client:
        for ask in (client.channels, client.started_at, client.subscribe):
            with pytest.raises(PbxRefusedError, match=r"ari\.password") as raised:
                await ask()
            assert raised.value.status == 401
    watcher = Watcher()
    async with listening(wrong, watcher) as here:
        await eventually(lambda: here.log.errors)
        assert "ari.password" in here.log.errors[0]
    assert not watcher.told


async def test_a_second_connection_of_the_same_app_is_noticed_by_the_first(site: Site) -> None:
    one, two = Watcher(), Watcher()
    async with listening(site.access, one):
        await one.connected()
        async with listening(site.access, two), AriClient(site.access) as client:
            await two.connected()
            await one.until(lambda: one.lost)
            assert "ari.app" in one.lost[0]
            await site.begin("first_busy")
            await client.originate(call("first_busy", "wb-second"))
            await two.destroyed("wb-second")
    assert not one.events


async def test_the_time_of_the_start_is_in_the_past_and_in_utc(client: AriClient) -> None:
    started = await client.started_at()
    assert started.tzinfo is UTC
    assert started < datetime.now(UTC)


def ends(events: list[Event]) -> set[str]:
    """The channels that have ended, never empty."""
    return {one.channel_id for one in events if isinstance(one, ChannelDestroyed)} or {"none yet"}


def stories(events: list[Event], first: str) -> tuple[str, ...]:
    """What was told of each channel, the first one first; between channels there is no order."""
    channels = [first, *sorted(ends(events) - {first})]
    return tuple(_story(events, channel) for channel in channels)


def _story(events: list[Event], channel: str) -> str:
    statuses = [one.dialstatus for one in events if isinstance(one, Dial) and one.peer_id == channel]
    end = next(one for one in events if isinstance(one, ChannelDestroyed) and one.channel_id == channel)
    assert statuses[0] == ""
    return f"{' '.join(statuses[1:])} {end.cause}/{end.tech_cause}"
