"""A first phone is rung over the next line when one fails: once over each, by one of us, never over a full one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.callbacks.company import APP, WISH, Clock, FakePbx, service
from waybell.callbacks.happenings import Confirmed, FirstAnswered, FirstEnded, SecondAnswered
from waybell.callbacks.line_room import LineRoom
from waybell.callbacks.lines import Line
from waybell.callbacks.ports import PbxUnavailableError, Seen
from waybell.callbacks.service import CallbackService
from waybell.callbacks.store import CallbackStore
from waybell.callbacks.values import Callback, Reason, RefusedError, Status
from waybell.notes import decode
from waybell.store.engine import make_engine

A, B, C = (Line(name, f"PJSIP/{{number}}@{name}", f"7495000000{at}") for at, name in enumerate("abc"))
FAILED, BUSY = FirstEnded(34, 503), FirstEnded(17, 486)


@pytest.fixture
def store(engine: AsyncEngine) -> CallbackStore:
    return CallbackStore(engine, 30)


async def now(placing: CallbackService, call: Callback) -> Callback:
    found = await placing.get(APP, call.id)
    assert found is not None
    return found


async def test_a_line_that_fails_leaves_the_courier_to_the_next_one_as_long_as_there_is_one(
    store: CallbackStore,
) -> None:
    pbx = FakePbx()
    placing = service(store, pbx, lines=(A, B))
    call = await placing.request(APP, WISH, "key")
    await placing.first_ended(pbx.rung[0].channel_id, FAILED)
    assert [one.channel_id for one in pbx.rung] == [f"pbx1-{call.id}", f"pbx1-{call.id}.2"]
    assert [one.dial for one in pbx.rung] == ["PJSIP/79010000011@a", "PJSIP/79010000011@b"]
    note = decode(pbx.rung[1].variables["CHANNEL(userfield)"])
    assert note is not None
    assert note.why == "ring courier 11 over line b, the one before having failed"
    again = await now(placing, call)
    assert (again.status, again.first_line, again.tries) == (Status.CALLING_COURIER, "b", 2)
    await placing.first_ended(pbx.rung[1].channel_id, FAILED)
    ended = await now(placing, call)
    assert (ended.status, ended.reason, ended.sip_cause, len(pbx.rung)) == (
        Status.FAILED,
        Reason.UNREACHABLE,
        503,
        2,
    )


async def test_a_courier_who_is_busy_is_not_rung_over_another_line(store: CallbackStore) -> None:
    pbx = FakePbx()
    placing = service(store, pbx, lines=(A, B))
    call = await placing.request(APP, WISH, "key")
    await placing.first_ended(pbx.rung[0].channel_id, BUSY)
    assert ((await now(placing, call)).reason, len(pbx.rung)) == (Reason.BUSY, 1)


async def test_of_two_instances_that_hear_of_it_one_rings_over_the_next_line(
    store: CallbackStore, store_url: str
) -> None:
    pbx, other_engine = FakePbx(), make_engine(store_url)
    try:
        both = [service(one, pbx, lines=(A, B, C)) for one in (store, CallbackStore(other_engine, 30))]
        call = await both[0].request(APP, WISH, "key")
        channel = pbx.rung[0].channel_id
        await asyncio.gather(*(one.first_ended(channel, FAILED) for one in both * 5))
        assert (len(pbx.rung), (await now(both[0], call)).first_line) == (2, "b")
    finally:
        await other_engine.dispose()


async def test_the_end_of_a_try_that_is_over_ends_nothing(store: CallbackStore) -> None:
    pbx = FakePbx()
    placing = service(store, pbx, lines=(A, B))
    call = await placing.request(APP, WISH, "key")
    await placing.first_ended(pbx.rung[0].channel_id, FAILED)
    for late in (FAILED, BUSY, FirstEnded(16)):
        assert await placing.first_ended(pbx.rung[0].channel_id, late) is None
    assert ((await now(placing, call)).status, len(pbx.rung)) == (Status.CALLING_COURIER, 2)


async def test_a_line_that_is_full_is_passed_over(store: CallbackStore) -> None:
    pbx = FakePbx()
    placing = service(store, pbx, lines=(A, replace(B, at_once=0), C))
    await placing.request(APP, WISH, "key")
    await placing.first_ended(pbx.rung[0].channel_id, FAILED)
    assert [one.dial.partition("@")[2] for one in pbx.rung] == ["a", "c"]


async def test_an_endpoint_that_asterisk_does_not_have_leaves_the_call_to_the_next_line(store: CallbackStore) -> None:
    pbx = FakePbx(refused=("@a", "@b"))
    placing = service(store, pbx, lines=(A, B, C))
    call = await placing.request(APP, WISH, "key")
    assert ([one.channel_id for one in pbx.rung], call.first_line) == ([f"pbx1-{call.id}.3"], "c")


async def test_a_call_that_asterisk_takes_on_no_line_leaves_nothing_behind(store: CallbackStore) -> None:
    with pytest.raises(RefusedError, match="Asterisk cannot place calls"):
        await service(store, FakePbx(refused=("@",)), lines=(A, B, C)).request(APP, WISH, "key")
    assert await store.under_way() == []
    assert await store.find(APP.owner, "key") is None


async def test_what_is_cancelled_meanwhile_is_not_rung_again(store: CallbackStore) -> None:
    pbx = FakePbx()
    placing = service(store, pbx, lines=(A, B))
    call = await placing.request(APP, WISH, "key")
    await store.change(call.id, lambda one: replace(one, cancel_asked=True))
    await placing.first_ended(pbx.rung[0].channel_id, FAILED)
    assert ((await now(placing, call)).reason, len(pbx.rung)) == (Reason.CANCELLED, 1)


async def test_the_second_try_is_the_one_that_is_hung_up(store: CallbackStore) -> None:
    pbx = FakePbx()
    placing = service(store, pbx, lines=(A, B))
    call = await placing.request(APP, WISH, "key")
    pbx.up.clear()
    await placing.first_ended(pbx.rung[0].channel_id, FAILED)
    assert pbx.up == {pbx.rung[1].channel_id}
    await placing.cancel(APP, call.id)
    assert pbx.up == set()


async def test_an_asterisk_that_cannot_be_told_ends_the_call_with_what_the_line_said(store: CallbackStore) -> None:
    pbx = FakePbx()
    placing = service(store, pbx, lines=(A, B))
    call = await placing.request(APP, WISH, "key")
    pbx.before = PbxUnavailableError("refused", sent=False)
    await placing.first_ended(pbx.rung[0].channel_id, FAILED)
    ended = await now(placing, call)
    assert (ended.status, ended.reason, ended.sip_cause) == (Status.FAILED, Reason.UNREACHABLE, 503)


async def test_a_place_on_another_line_to_the_second_phone_is_had_once_for_each_that_the_line_holds(
    store: CallbackStore,
) -> None:
    pbx, room = FakePbx(), LineRoom(store, {"b": 1})
    placing = service(store, pbx, lines=(A, B))
    call = await placing.request(APP, WISH, "key")
    for happening in (FirstAnswered(), Confirmed("a")):
        await placing.happened(call.id, happening)
    assert not await room.take(call.id, "c"), "no such line any more"
    assert await room.take(call.id, "b")
    assert (await now(placing, call)).second_line == "b"
    assert not await room.take(call.id, "b"), "it is full, whoever asks"


async def test_without_the_store_no_other_line_is_taken(store: CallbackStore) -> None:
    room = LineRoom(CallbackStore(make_engine("mysql+asyncmy://nobody@127.0.0.1:1/none"), 5), {"b": 9})
    assert not await room.take("cb0", "b")


async def test_what_channels_do_tells_how_far_a_call_has_come_that_nobody_heard_of(store: CallbackStore) -> None:
    pbx, clock = FakePbx(), Clock()
    placing = service(store, pbx, clock=clock, lines=(A, B))
    call = await placing.request(APP, WISH, "key")
    channel = pbx.rung[0].channel_id
    for seen, status in (
        (Seen(), Status.CALLING_COURIER),
        (Seen(up=True), Status.CONFIRMING),
        (Seen(up=True, dialling="PJSIP/79161000001@b"), Status.TALKING),
    ):
        pbx.seen[channel] = seen
        clock.now += timedelta(seconds=10)
        assert await placing.reconcile() == []
        assert (await now(placing, call)).status is status
    assert (await now(placing, call)).second_line == "b"


async def test_a_phone_that_rings_for_a_cancelled_call_is_hung_up_by_a_thorough_look(store: CallbackStore) -> None:
    pbx = FakePbx()
    placing = service(store, pbx)
    call = await placing.request(APP, WISH, "key")
    channel = pbx.rung[0].channel_id
    pbx.up.clear()
    await placing.cancel(APP, call.id)
    pbx.up = {channel, "somebody-else"}
    await placing.reconcile()
    assert channel in pbx.up
    await placing.reconcile(thorough=True)
    assert pbx.up == {"somebody-else"}


async def test_what_is_said_to_whoever_was_not_put_through_is_not_cut_off(store: CallbackStore) -> None:
    pbx = FakePbx()
    placing = service(store, pbx)
    call = await placing.request(APP, WISH, "key")
    for happening in (FirstAnswered(), Confirmed("default"), SecondAnswered(), FirstEnded(16)):
        await placing.happened(call.id, happening)
    await placing.reconcile(thorough=True)
    assert pbx.up == {pbx.rung[0].channel_id}
