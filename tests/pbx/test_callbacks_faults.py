"""Callbacks while things break: nothing is rung twice, nothing is left half-done, and every end is told once."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest

from lab.asterisk import Asterisk
from lab.callbacks import FINAL, CallingStack, calling_stack, until_connected
from lab.mariadb import MariaDB
from lab.phone import BUSY, NO_ANSWER, Answer
from lab.waybell_process import free_port
from tests.fixtures_mariadb import mariadb_alone  # noqa: F401 - a fixture
from tests.loopback.ari.wire import Wire
from tests.pbx.journal import JournalReader
from waybell.callbacks.store import CallbackStore
from waybell.resources import data_dir
from waybell.store.engine import make_engine

pytestmark = pytest.mark.pbx

BORIS, ANNA = "79010000011", "79161000001"


async def under_way(company: CallingStack) -> int:
    engine = make_engine(f"sqlite+aiosqlite:///{company.stack.waybell.directory}/waybell.db")
    try:
        return len(await CallbackStore(engine).under_way())
    finally:
        await engine.dispose()


async def talking(company: CallingStack) -> str:
    """A callback whose two sides talk."""
    provider = company.stack.provider
    provider.behaviours = {BORIS: Answer(), ANNA: Answer()}
    callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
    courier = await provider.called(BORIS)
    await courier.answered()
    await asyncio.sleep(0.3)
    await courier.send_dtmf("1")
    await company.app.until(callback, "talking")
    return callback


async def test_without_asterisk_a_callback_is_refused_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    async with calling_stack(tmp_path) as company:
        await company.stack.pbx.kill9()
        async with asyncio.timeout(10):
            while True:
                answer = await company.app.place(str(uuid.uuid4()), courier="11", parcel="10")
                if answer.status_code == 503:
                    break
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["type"] == "urn:waybell:problem:pbx-unavailable"
        assert await under_way(company) == 0


async def test_killed_while_the_courier_rings_waybell_rings_nobody_again_and_learns_the_end(tmp_path: Path) -> None:
    async with calling_stack(tmp_path) as company:
        company.stack.provider.behaviours = {BORIS: NO_ANSWER}
        key = str(uuid.uuid4())
        callback = await company.app.placed(key, courier="11", parcel="10")
        ringing = await company.stack.provider.called(BORIS)
        await company.stack.waybell.kill9()
        await ringing.ended()
        await company.stack.waybell.start()
        await until_connected(company.admin)
        failed = await company.app.until(callback, *FINAL)
        assert (failed["status"], failed["reason"]) == ("failed", "unknown")
        again = await company.app.placed(key, courier="11", parcel="10")
        assert again == callback
        assert len(company.stack.provider.calls) == 1


async def test_a_call_that_is_up_outlives_waybell(tmp_path: Path) -> None:
    async with calling_stack(tmp_path) as company:
        callback = await talking(company)
        await company.stack.waybell.kill9()
        await company.stack.waybell.start()
        await until_connected(company.admin)
        recipient = await company.stack.provider.called(ANNA)
        assert recipient.end is None
        assert (await company.app.look(callback))["status"] == "talking"
        await recipient.hangup()
        assert (await company.app.until(callback, *FINAL))["status"] == "done"


async def test_calls_that_a_restart_of_asterisk_cuts_off_end_interrupted_once(tmp_path: Path) -> None:
    async with calling_stack(tmp_path) as company:
        callback = await talking(company)
        await asyncio.sleep(1.1)  # Asterisk tells its start in whole seconds
        await company.stack.pbx.kill9()
        await company.stack.pbx.start_again()
        failed = await company.app.until(callback, *FINAL)
        assert (failed["status"], failed["reason"]) == ("failed", "interrupted")
        await until_connected(company.admin)
        assert await company.app.look(callback) == failed


@pytest.mark.parametrize("how", ["reset", "hush"])
async def test_after_the_event_connection_was_lost_the_states_are_right_again(tmp_path: Path, how: str) -> None:
    port = free_port()
    async with (
        Wire(port) as wire,
        calling_stack(
            tmp_path,
            pbx=Asterisk(settings={"http_port": str(port)}),
            changes={"ari": {"url": f"http://127.0.0.1:{wire.port}"}},
        ) as company,
    ):
        callback = await talking(company)
        wire.refusing = how == "reset"
        wire.reset() if how == "reset" else wire.hush()
        recipient = await company.stack.provider.called(ANNA)
        await recipient.hangup()
        courier = await company.stack.provider.called(BORIS)
        await courier.ended()
        wire.refusing = False
        done = await company.app.until(callback, *FINAL, deadline=15)
        assert (done["status"], done["reason"]) == ("done", None)


async def test_two_who_began_to_talk_unheard_are_known_to_talk_once_events_come_again(tmp_path: Path) -> None:
    port = free_port()
    async with (
        Wire(port) as wire,
        calling_stack(
            tmp_path,
            pbx=Asterisk(settings={"http_port": str(port)}),
            changes={"ari": {"url": f"http://127.0.0.1:{wire.port}"}, "callbacks": {"confirm_seconds": 10}},
        ) as company,
    ):
        provider = company.stack.provider
        provider.behaviours = {BORIS: Answer(), ANNA: Answer()}
        callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
        courier = await provider.called(BORIS)
        await courier.answered()
        await company.app.until(callback, "confirming")
        wire.refusing = True
        wire.reset()
        await courier.send_dtmf("1")
        recipient = await provider.called(ANNA)
        await recipient.answered()
        wire.refusing = False
        await company.app.until(callback, "talking")
        await recipient.hangup()
        done = await company.app.until(callback, *FINAL)
        assert (done["status"], done["reason"]) == ("done", None)


async def test_what_happens_while_the_store_is_away_is_known_once_it_is_back(
    tmp_path: Path,
    mariadb_alone: MariaDB,  # noqa: F811
) -> None:
    store = mariadb_alone.database()
    async with calling_stack(tmp_path, changes={"store": {"url": store.store()}}) as company:
        provider = company.stack.provider
        provider.behaviours = {BORIS: Answer(), ANNA: BUSY}
        callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
        courier = await provider.called(BORIS)
        await courier.answered()
        await company.app.until(callback, "confirming")
        with mariadb_alone.frozen():
            await courier.send_dtmf("1")
            recipient = await provider.called(ANNA)
            await recipient.ended()
            await courier.ended(15)
        failed = await company.app.until(callback, *FINAL, deadline=15)
        assert (failed["status"], failed["reason"], failed["sip_cause"]) == ("failed", "busy", 486)


@pytest.mark.mariadb
async def test_a_crm_that_hangs_refuses_a_callback_within_its_deadline(
    tmp_path: Path,
    mariadb_alone: MariaDB,  # noqa: F811
) -> None:
    demo = data_dir("sql") / "demo"
    crm = mariadb_alone.database(demo / "schema.sql", demo / "rows.sql")
    async with calling_stack(tmp_path, changes={"crm": {"url": crm.reader(), "deadline": 0.5}}) as company:
        with mariadb_alone.frozen():
            began = asyncio.get_running_loop().time()
            answer = await company.app.place(str(uuid.uuid4()), courier="11", parcel="10")
            took = asyncio.get_running_loop().time() - began
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:waybell:problem:crm-unavailable")
        assert took < 3
        assert company.stack.provider.calls == []
        assert await under_way(company) == 0
        async with JournalReader(company.stack) as journal:
            assert [row["status"] for row in await journal.rows()] == ["rejected"]
        company.stack.provider.behaviours = {BORIS: NO_ANSWER}
        async with asyncio.timeout(10):
            while (await company.app.place(str(uuid.uuid4()), courier="11", parcel="10")).status_code != 202:
                pass
