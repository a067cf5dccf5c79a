"""Whatever fails between two steps: never two calls for one key, and nothing is left half-done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.callbacks.company import APP, WISH, Cards, Clock, Crash, FakePbx, service
from waybell.callbacks.happenings import FirstAnswered, FirstEnded
from waybell.callbacks.ports import Originate, PbxRefusedError, PbxUnavailableError
from waybell.callbacks.store import CallbackStore
from waybell.callbacks.values import Asker, ByNumber, Callback, Reason, RefusedError, Status
from waybell.store.engine import make_engine


@pytest.fixture
def store(engine: AsyncEngine) -> CallbackStore:
    return CallbackStore(engine, 30)


class CrashingStore(CallbackStore):
    """Dies at the ``number``-th change of a stored call, before or after it is written."""

    def __init__(self, engine: AsyncEngine, *, written: bool) -> None:
        super().__init__(engine, 30)
        self._written = written

    async def change(self, callback_id: str, step: Callable[[Callback], Callback | None]) -> Callback | None:
        if self._written:
            await super().change(callback_id, step)
        raise Crash


async def test_what_is_rung_shows_the_company_and_carries_no_number_of_the_others(store: CallbackStore) -> None:
    pbx = FakePbx()
    call = await service(store, pbx).request(APP, WISH, "key")
    [channel] = pbx.rung
    assert (call.status, call.first_line, call.second_line) == (Status.CALLING_COURIER, "default", "default")
    assert (channel.channel_id, channel.dial, channel.extension) == (
        *(f"pbx1-{call.id}", "PJSIP/79010000011@trunk", call.id),
    )
    assert (channel.caller_number, channel.caller_name) == ("74951234567", "")


@pytest.mark.parametrize("written", [False, True])
async def test_a_crash_around_the_claim_rings_nobody_and_a_retry_rings_nobody_either(
    engine: AsyncEngine, store: CallbackStore, written: bool
) -> None:
    pbx, clock = FakePbx(), Clock()
    with pytest.raises(Crash):
        await service(CrashingStore(engine, written=written), pbx, clock=clock).request(APP, WISH, "key")
    restarted = service(store, pbx, clock=clock)
    again = await restarted.request(APP, WISH, "key")
    clock.now += timedelta(seconds=10)
    assert await restarted.reconcile() == []  # the first look may be too early
    await restarted.reconcile()
    ended = await restarted.get(APP, again.id)
    assert ended is not None
    assert (ended.status, ended.reason, pbx.rung) == (Status.FAILED, Reason.UNKNOWN, [])


@pytest.mark.parametrize("trouble", [Crash(), PbxUnavailableError("reset", sent=True)])
async def test_after_asterisk_was_told_nobody_is_rung_again_and_the_end_is_unknown(
    store: CallbackStore, trouble: BaseException
) -> None:
    pbx, clock = FakePbx(after=trouble), Clock()
    placing = service(store, pbx, clock=clock)
    with suppress(Crash):
        await placing.request(APP, WISH, "key")
    pbx.after = None
    call = await placing.request(APP, WISH, "key")
    clock.now += timedelta(seconds=10)
    assert await placing.reconcile() == []  # its channel is up
    pbx.up.clear()
    assert await placing.reconcile() == []  # an event of its end may be on its way
    [ended] = await placing.reconcile()
    assert (ended.id, ended.status, ended.reason, len(pbx.rung)) == (call.id, Status.FAILED, Reason.UNKNOWN, 1)


@pytest.mark.parametrize(
    ("trouble", "type_"),
    [(PbxUnavailableError("refused", sent=False), "pbx-unavailable"), (PbxRefusedError(401, "no"), "pbx-unavailable")],
)
async def test_what_asterisk_surely_did_not_do_leaves_the_key_free(
    store: CallbackStore, trouble: BaseException, type_: str
) -> None:
    pbx = FakePbx(before=trouble)
    placing = service(store, pbx)
    with pytest.raises(RefusedError) as refused:
        await placing.request(APP, WISH, "key")
    assert (refused.value.type, refused.value.status, refused.value.retry_after > 0) == (type_, 503, True)
    assert await store.under_way() == []
    pbx.before = None
    assert (await placing.request(APP, WISH, "key")).status is Status.CALLING_COURIER


async def test_without_asterisk_or_crm_nothing_is_stored_and_no_secret_is_told(store: CallbackStore) -> None:
    for placing in (service(store, FakePbx(), connected=lambda: False), service(store, FakePbx(), Cards(down=True))):
        with pytest.raises(RefusedError) as refused:
            await placing.request(APP, WISH, "key")
        assert refused.value.status == 503
        assert "denied" not in refused.value.detail
    assert await store.find(APP.owner, "key") is None


async def test_two_instances_and_twenty_askers_ring_once(store_url: str, store: CallbackStore) -> None:
    another = make_engine(store_url)
    try:
        pbx = FakePbx()
        both = [service(store, pbx), service(CallbackStore(another, 30), pbx)]
        calls = await asyncio.gather(*(both[n % 2].request(APP, WISH, "key") for n in range(20)))
    finally:
        await another.dispose()
    assert len({call.id for call in calls}) == 1
    assert len(pbx.rung) == 1


async def test_a_call_that_is_taken_back_before_it_rings_does_not_go_on_ringing(store: CallbackStore) -> None:
    pbx = FakePbx()
    placing = service(store, pbx)

    class CancelledMeanwhile(FakePbx):
        async def originate(self, channel: Originate) -> None:
            await placing.cancel(APP, channel.extension)
            await super().originate(channel)

    late = CancelledMeanwhile()
    slow = service(store, late)
    call = await slow.request(APP, WISH, "key")
    assert (call.status, call.reason, late.up) == (Status.FAILED, Reason.CANCELLED, set())


async def test_what_is_taken_back_while_asterisk_cannot_be_told_is_hung_up_once_it_can(store: CallbackStore) -> None:
    class Deaf(FakePbx):
        deaf = True

        async def hangup(self, channel_id: str) -> bool:
            if self.deaf:
                raise PbxUnavailableError("reset", sent=True)
            return await super().hangup(channel_id)

    pbx, clock = Deaf(), Clock()
    placing = service(store, pbx, clock=clock)
    call = await placing.request(APP, WISH, "key")
    with pytest.raises(RefusedError) as refused:
        await placing.cancel(APP, call.id)
    assert refused.value.status == 503
    assert [one.id for one in await store.under_way()] == [call.id]  # it may ring still, and counts
    pbx.deaf = False
    await placing.reconcile()
    assert pbx.up == set()
    clock.now += timedelta(seconds=10)
    assert await placing.reconcile() == []
    [ended] = await placing.reconcile()
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.CANCELLED)


async def test_a_call_is_nobodys_business_but_its_askers(store: CallbackStore) -> None:
    placing = service(store, FakePbx())
    call = await placing.request(Asker("token:boris", "11"), WISH, "key")
    assert await placing.get(Asker("token:other"), call.id) is None
    assert await placing.cancel(Asker("token:other"), call.id) is None
    assert await placing.get(Asker("token:boris", "11"), call.id) is not None


async def test_a_courier_tokens_own_courier_only(store: CallbackStore) -> None:
    with pytest.raises(RefusedError) as refused:
        await service(store, FakePbx()).request(Asker("token:semyon", "12"), WISH, "key")
    assert (refused.value.type, refused.value.status) == ("foreign-courier", 403)


async def test_a_limit_is_freed_by_the_end_of_a_call(store: CallbackStore) -> None:
    placing = service(store, FakePbx())
    call = await placing.request(APP, WISH, "one")
    with pytest.raises(RefusedError) as refused:
        await placing.request(APP, WISH, "two")
    assert (refused.value.type, refused.value.status) == ("courier-at-once", 429)
    await placing.happened(call.id, FirstAnswered())
    await placing.happened(call.id, FirstEnded(16))
    assert (await placing.request(APP, WISH, "two")).status is Status.CALLING_COURIER


async def test_the_same_key_for_another_number_is_refused(store: CallbackStore) -> None:
    placing = service(store, FakePbx())
    await placing.request(APP, WISH, "key")
    with pytest.raises(RefusedError) as refused:
        await placing.request(APP, ByNumber("11", "79161000001"), "key")
    assert (refused.value.type, refused.value.status) == ("key-reused", 422)
