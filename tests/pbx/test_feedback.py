"""Callers who stay are asked how it was: through a real Asterisk, into the journal and the API."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from lab.asterisk import Asterisk
from lab.callbacks import FINAL, CallingStack, calling_stack
from lab.dialog import OutgoingCall
from lab.phone import BUSY, Answer
from lab.stack import Stack
from lab.watch import until_file
from tests.pbx.journal import JournalReader
from waybell.people.demo import COMPANY_NUMBER
from waybell.store.engine import make_engine
from waybell.store.feedback_tables import feedback

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

ANNA, MARIA, BORIS = "79161000001", "79161000003", "79010000011"
CLIENT, COURIER = "74950000101", "79020000013"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CallingStack]:
    changes: dict[str, Any] = {
        "feedback": {"ask": ["recipient", "client"], "seconds": 2, "comment_seconds": 3},
        "recordings": {"record": ["client", "callback"], "announce": True},
    }
    pbx = Asterisk()
    async with calling_stack(tmp_path_factory.mktemp("feedback"), changes=changes, pbx=pbx) as all_:
        yield all_
        await pbx.kill9()


@pytest.fixture(autouse=True)
def everybody_answers_and_hangs_up_first(company: CallingStack) -> None:
    for phone in (company.stack.provider, company.stack.office):
        phone.calls.clear()
        phone.behaviours, phone.default = {}, Answer(talk=0.3)


def notes_with(stack: Stack, text: str) -> int:
    """How many of our notes hold ``text``."""
    path = stack.pbx.cel_path
    return path.read_text().count(f'"WAYBELL,step={text}') if path.exists() else 0


async def asked(stack: Stack, before: int) -> None:
    """Returns once one more caller is asked, and hears it."""
    await until_file(stack.pbx.cel_path, lambda _: notes_with(stack, "rate;verb=menu") > before, 10)
    await asyncio.sleep(0.3)  # a key before Read listens is lost, as in real life


async def rated(stack: Stack, caller: str, key: str) -> OutgoingCall:
    before = notes_with(stack, "rate;verb=menu")
    call = await stack.provider.call(COMPANY_NUMBER, caller)
    await asked(stack, before)
    await call.send_dtmf(key)
    return call


async def something_is_said(stack: Stack) -> None:
    """Returns once a spoken comment is being written: the prompt and the tone before it take their time."""
    folder = stack.pbx.directory / "spool" / "monitor"
    async with asyncio.timeout(10):
        while not any(path.stat().st_size > 8000 for path in folder.rglob("*.wav")):  # noqa: ASYNC110 - in folders to come
            await asyncio.sleep(0.05)


async def nobody_was_asked(company: CallingStack) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{company.stack.waybell.directory}/waybell.db")
    async with engine.begin() as connection:
        await connection.execute(update(feedback).values(number=None))
    await engine.dispose()


async def test_a_caller_who_stays_rates_the_call_and_says_more(company: CallingStack) -> None:
    stack = company.stack
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        call = await rated(stack, ANNA, "4")
        await until_file(stack.pbx.cel_path, lambda _: notes_with(stack, "comment;verb=comment"), 5)
        await something_is_said(stack)
        await call.hangup()
        row = await journal.next_call(known)
    said = row["feedback"]
    assert said["rating"] == 4
    assert row["status"] == "answered"
    assert row["talk_seconds"] == pytest.approx(0.3, abs=0.3)
    assert [step["verb"] for step in row["route"]] == ["dial", "menu", "comment"]
    comment = await company.desk.http.get(f"/calls/{row['id']}/recording", params={"recording": said["comment"]})
    assert (comment.status_code, comment.content[:4]) == (200, b"RIFF")
    [listed] = (await company.desk.http.get("/feedback")).json()["feedback"]
    assert listed == {
        "call": row["id"], "at": said["at"], "rating": 4, "comment": said["comment"], "number": ANNA,
        "parcel": row["parcel"], "courier": "11", "operator": None, "client": row["client"], "manager": None,
    }  # fmt: skip
    averages = (await company.desk.http.get("/feedback/averages", params={"by": "courier"})).json()["averages"]
    assert averages == [{"key": "11", "asked": 1, "rated": 1, "average": 4.0}]


async def test_nobody_is_asked_again_so_soon(company: CallingStack) -> None:
    stack, before = company.stack, notes_with(company.stack, "rate;verb=menu")
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        await (await stack.provider.call(COMPANY_NUMBER, ANNA)).ended(10)
        row = await journal.next_call(known)
    assert notes_with(stack, "rate;verb=menu") == before
    assert row["feedback"] is None
    assert row["route"][-1]["verb"] == "hangup"
    assert "this caller was asked lately" in row["route"][-1]["why"]


async def test_whoever_hangs_up_first_is_not_asked(company: CallingStack) -> None:
    stack = company.stack
    await nobody_was_asked(company)
    stack.provider.default = Answer()
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        call = await stack.provider.call(COMPANY_NUMBER, ANNA)
        await (await stack.provider.called(BORIS)).media.heard()
        await call.hangup()
        row = await journal.next_call(known)
    assert (row["status"], row["feedback"], len(row["route"])) == ("answered", None, 1)


async def test_whom_the_setting_does_not_name_is_cut_off_with_the_other_side_as_ever(company: CallingStack) -> None:
    async with JournalReader(company.stack) as journal:
        known = await journal.ids()
        await (await company.stack.provider.call(COMPANY_NUMBER, COURIER)).ended(10)
        row = await journal.next_call(known)
    assert ([step["verb"] for step in row["route"]], row["feedback"]) == (["dial"], None)


async def test_a_wrong_key_is_asked_again_and_silence_is_no_rating(company: CallingStack) -> None:
    stack = company.stack
    await nobody_was_asked(company)
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        call = await rated(stack, ANNA, "9")
        ended = await call.ended(20)
        row = await journal.next_call(known)
    assert ended.reason_header == b"Q.850;cause=16"
    assert [(step["verb"], step["result"]) for step in row["route"]] == [
        *(("dial", "ANSWER"), ("menu", "9"), ("menu", "TIMEOUT"), ("hangup", None))
    ]
    assert (row["status"], row["feedback"]) == ("answered", None)


async def test_a_client_whose_call_is_announced_and_recorded_rates_the_manager(company: CallingStack) -> None:
    stack = company.stack
    stack.office.behaviours = {"100": BUSY}
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        comments = notes_with(stack, "comment;verb=comment")
        call = await rated(stack, CLIENT, "5")
        await until_file(stack.pbx.cel_path, lambda _: notes_with(stack, "comment;verb=comment") > comments, 5)
        await call.hangup()
        row = await journal.next_call(known)
    assert [step["verb"] for step in row["route"]] == ["record", "dial", "menu", "comment"]
    assert row["route"][0]["result"] == "RECORDING"
    [recording] = row["recordings"]
    shown = (await company.desk.http.get(f"/calls/{row['id']}")).json()["recordings"]
    assert (shown[0]["id"], shown[0]["available"]) == (recording["id"], True)
    by = {"by": "manager"}
    averages = (await company.desk.http.get("/feedback/averages", params=by)).json()["averages"]
    assert averages == [{"key": "199", "asked": 1, "rated": 1, "average": 5.0}]
    found = (await company.desk.http.get("/calls", params={"rating": 5})).json()["calls"]
    assert [call["id"] for call in found] == [row["id"]]


async def test_what_cannot_be_announced_is_not_recorded(company: CallingStack) -> None:
    stack = company.stack
    await nobody_was_asked(company)
    prompt = stack.pbx.sounds_dir / "ru" / "waybell" / "recorded.wav"
    kept = prompt.read_bytes()
    prompt.unlink()
    stack.office.default = Answer()
    try:
        async with JournalReader(stack) as journal:
            known = await journal.ids()
            call = await stack.provider.call(COMPANY_NUMBER, CLIENT)
            await (await stack.office.called("199")).media.heard()
            await call.hangup()
            row = await journal.next_call(known)
    finally:
        prompt.write_bytes(kept)
    assert row["route"][0]["result"] == "UNANNOUNCED"
    assert row["recordings"] == []


async def test_a_rating_given_while_the_store_is_down_is_there_once_it_is_back(company: CallingStack) -> None:
    stack = company.stack
    await nobody_was_asked(company)
    store = stack.waybell.directory / "waybell.db"
    async with JournalReader(stack) as journal:
        known = await journal.ids()
    engine = make_engine(f"sqlite+aiosqlite:///{store}")
    async with engine.connect() as blocking:  # whoever holds the write lock keeps the journal from being written
        await blocking.exec_driver_sql("BEGIN EXCLUSIVE")
        comments = notes_with(stack, "comment;verb=comment")
        call = await rated(stack, MARIA, "2")
        await until_file(stack.pbx.cel_path, lambda _: notes_with(stack, "comment;verb=comment") > comments, 5)
        await call.hangup()
        await blocking.rollback()
    await engine.dispose()
    async with JournalReader(stack) as journal:
        row = await journal.next_call(known, 30)
    assert row["feedback"]["rating"] == 2


async def test_whom_a_courier_has_called_hears_that_it_is_recorded_before_they_talk(company: CallingStack) -> None:
    stack = company.stack
    stack.provider.behaviours = {BORIS: Answer(), ANNA: Answer(talk=4.0)}
    callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
    courier = await stack.provider.called(BORIS)
    await courier.answered()
    await asyncio.sleep(0.3)  # a key before Read listens is lost, as in real life
    await courier.send_dtmf("5")
    assert (await company.app.until(callback, *FINAL, deadline=20))["status"] == "done"
    async with JournalReader(stack) as journal:
        row = await journal.ended_as("answered", callback)
    heard = 4.0 - row["talk_seconds"]
    assert heard > 0.7, "the announcement takes its time"
    [recording] = (await company.desk.http.get(f"/calls/{row['id']}")).json()["recordings"]
    assert recording["seconds"] == pytest.approx(row["talk_seconds"], abs=0.5)
