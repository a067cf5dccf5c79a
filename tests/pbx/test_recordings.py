"""Calls that are recorded by a real Asterisk: the file, what the journal knows of it, and how it is listened to."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from lab.asterisk import Asterisk
from lab.callbacks import FINAL, CallingStack, calling_stack
from lab.phone import BUSY, Answer
from lab.stack import Stack
from lab.transfers import transfer
from tests.pbx.journal import JournalReader
from waybell.people.demo import COMPANY_NUMBER

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

ANNA, BORIS = "79161000001", "79010000011"
STRANGER = "79990000000"
CLIENT = "74950000101"
PHONES_MAY_DIAL = "[waybell-outgoing]\nexten => _[1-5]XX,1,Dial(PJSIP/${EXTEN},10)\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CallingStack]:
    recordings = {"record": ["recipient", "client", "callback", "click"], "not_recorded": [], "announce": False}
    changes = {"recordings": recordings, "calls": {"company_number": COMPANY_NUMBER, "ring_seconds": 2}}
    pbx = Asterisk(extra_files={"waybell_custom.conf": PHONES_MAY_DIAL})
    async with calling_stack(tmp_path_factory.mktemp("recordings"), changes=changes, pbx=pbx) as all_:
        yield all_
        await pbx.kill9()


@pytest.fixture(autouse=True)
def everybody_answers(company: CallingStack) -> None:
    for phone in (company.stack.provider, company.stack.office):
        phone.calls.clear()
        phone.behaviours, phone.default = {}, Answer()


def monitor(stack: Stack) -> Path:
    return stack.pbx.directory / "spool" / "monitor"


def files(stack: Stack) -> dict[str, int]:
    """Every recording by its path, with its size."""
    folder = monitor(stack)
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*.*")}


async def talked(stack: Stack, caller: str, taker: str, seconds: float = 1.0) -> dict[str, Any]:
    """A whole call that lasts a while, as the journal has it."""
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        phone = stack.office if len(taker) == 3 else stack.provider
        phone.calls.clear()
        call = await stack.provider.call(COMPANY_NUMBER, caller)
        other = await phone.called(taker)
        await other.media.heard()
        await asyncio.sleep(seconds)  # sound takes the time it takes
        await call.hangup()
        await other.ended()
        return await journal.next_call(known)


async def test_a_call_by_rule_is_one_file_by_the_day_and_every_way_to_it_is_an_opaque_id(company: CallingStack) -> None:
    stack = company.stack
    stack.provider.behaviours = {BORIS: Answer()}
    row = await talked(stack, ANNA, BORIS, 1.5)
    [recording] = row["recordings"]
    assert re.fullmatch(r"\d{8}-[0-9a-f]{20}", recording["id"])
    day = recording["id"][:8]
    assert list(files(stack)) == [f"{day[:4]}/{day[4:6]}/{day[6:]}/{recording['id']}.wav"]
    assert recording["started_at"] == row["answered_at"]
    assert [step["verb"] for step in row["route"]] == ["record", "dial"]

    shown = (await company.desk.http.get(f"/calls/{row['id']}")).json()
    assert shown["recordings"][0]["available"] is True
    assert shown["recordings"][0]["seconds"] == pytest.approx(row["talk_seconds"], abs=0.3)

    whole = await company.desk.http.get(f"/calls/{row['id']}/recording")
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
    assert whole.content == (monitor(stack) / next(iter(files(stack)))).read_bytes()
    assert whole.content[:4] == b"RIFF"
    part = await company.desk.http.get(f"/calls/{row['id']}/recording", headers={"Range": "bytes=44-1043"})
    assert (part.status_code, part.content) == (206, whole.content[44:1044])
    assert part.headers["content-range"] == f"bytes 44-1043/{len(whole.content)}"

    (monitor(stack) / next(iter(files(stack)))).unlink()
    shown = (await company.desk.http.get(f"/calls/{row['id']}")).json()
    assert shown["recordings"][0]["available"] is False
    gone = await company.desk.http.get(f"/calls/{row['id']}/recording")
    assert (gone.status_code, gone.json()["type"]) == (404, "urn:waybell:problem:recording-missing")


async def test_a_call_that_no_rule_takes_goes_its_way_as_ever(company: CallingStack) -> None:
    before = files(company.stack)
    row = await talked(company.stack, STRANGER, "500", 0.2)
    assert row["recordings"] == []
    assert [step["verb"] for step in row["route"]] == ["dial"]
    assert files(company.stack) == before
    answer = await company.desk.http.get(f"/calls/{row['id']}/recording")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:waybell:problem:not-recorded")


async def test_after_a_busy_courier_the_manager_is_recorded_in_the_same_file(company: CallingStack) -> None:
    before = files(company.stack)
    company.stack.provider.behaviours = {BORIS: BUSY}
    company.stack.office.behaviours = {"100": BUSY}
    row = await talked(company.stack, ANNA, "199", 0.5)
    assert len(row["recordings"]) == 1
    assert [step["verb"] for step in row["route"]] == ["record", "dial", "dial"]
    assert len(files(company.stack)) == len(before) + 1


async def test_a_call_that_nobody_answered_has_no_recording(company: CallingStack) -> None:
    stack = company.stack
    stack.provider.behaviours, stack.office.default = {BORIS: BUSY}, BUSY
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        await (await stack.provider.call(COMPANY_NUMBER, ANNA)).ended(20)
        row = await journal.next_call(known)
    assert (row["status"], row["recordings"]) == ("busy", [])


async def test_the_recording_goes_on_where_an_operator_sends_the_caller_to_a_colleague(company: CallingStack) -> None:
    stack = company.stack
    stack.office.behaviours = {"100": BUSY, "199": Answer(), "202": Answer()}
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        stack.office.calls.clear()
        call = await stack.provider.call(COMPANY_NUMBER, CLIENT)
        first = await stack.office.called("199")
        await first.media.heard()
        await asyncio.sleep(0.5)
        await transfer(first, "202")
        second = await stack.office.called("202")
        await second.media.heard()
        await asyncio.sleep(1.0)
        await call.hangup()
        await second.ended()
        row = await journal.next_call(known)
    assert [leg["number"] for leg in row["legs"] if leg["answered_at"]] == ["199", "202"]
    [recording] = row["recordings"]
    shown = (await company.desk.http.get(f"/calls/{row['id']}")).json()["recordings"][0]
    assert shown["id"] == recording["id"]
    assert shown["seconds"] == pytest.approx(row["talk_seconds"], abs=0.4)
    assert shown["seconds"] > 1.3


async def test_a_call_that_waybell_places_is_recorded_where_the_second_phone_answers(company: CallingStack) -> None:
    stack = company.stack
    stack.provider.behaviours = {BORIS: Answer(), ANNA: Answer(after=0.1, talk=1.0)}
    stack.provider.calls.clear()
    callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
    call = await stack.provider.called(BORIS)
    await call.answered()
    await asyncio.sleep(0.3)  # a key before Read listens is lost, as in real life
    await call.send_dtmf("5")
    assert (await company.app.until(callback, *FINAL))["status"] == "done"
    async with JournalReader(stack) as journal:
        row = await journal.ended_as("answered", callback)
    shown = (await company.desk.http.get(f"/calls/{row['id']}")).json()
    assert [step["verb"] for step in shown["route"]] == ["originate", "menu", "recordnext", "dial"]
    [recording] = shown["recordings"]
    assert recording["available"] is True
    assert recording["seconds"] == pytest.approx(row["talk_seconds"], abs=0.4)


async def test_who_listened_is_in_the_store_before_they_hear_anything(company: CallingStack) -> None:
    from sqlalchemy import select

    from waybell.store.engine import make_engine
    from waybell.store.feedback_tables import recording_listens

    stack = company.stack
    stack.provider.behaviours = {BORIS: Answer()}
    row = await talked(stack, ANNA, BORIS, 0.3)
    await company.admin.http.get(f"/calls/{row['id']}/recording")
    await company.admin.http.head(f"/calls/{row['id']}/recording")
    engine = make_engine(f"sqlite+aiosqlite:///{stack.waybell.directory}/waybell.db")
    async with engine.connect() as connection:
        query = select(recording_listens).where(recording_listens.c.call_id == row["id"])
        [listen] = (await connection.execute(query)).mappings().all()
    await engine.dispose()
    assert listen["recording"] == row["recordings"][0]["id"]
    assert listen["token_name"].startswith("admin")
