"""A recipient whom nobody answers, and what becomes of them, through a real Asterisk."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lab.callbacks import FINAL, CallingStack, calling_stack
from lab.dialog import CallEndedError
from lab.phone import NO_ANSWER, Answer, Behaviour, IncomingCall
from waybell.people.demo import COMPANY_NUMBER

pytestmark = [pytest.mark.pbx, pytest.mark.timeout(180)]

BORIS, ANNA, STRANGER = "79010000011", "79161000001", "79990000000"
RING_SECONDS = 2.0
LIMITS: dict[str, dict[str, object]] = {
    "callbacks": {"hours_from": "00:00", "hours_until": "24:00", "confirm_seconds": 3},
    "attempts": {"genuine_seconds": 1.5},
}


@pytest.fixture
async def company(tmp_path: Path) -> AsyncIterator[CallingStack]:
    async with calling_stack(tmp_path, changes=LIMITS) as all_:
        yield all_


async def asked(company: CallingStack, path: str, enough: Callable[[Any], bool]) -> Any:
    """What ``GET path`` says once that is ``enough``; the journal is a moment behind."""
    answer = None
    try:
        async with asyncio.timeout(15):
            while True:
                answer = await company.desk.http.get(path)
                if answer.status_code == 200 and enough(answer.json()):
                    return answer.json()
                await asyncio.sleep(0.05)  # a table tells nobody
    except TimeoutError:
        raise TimeoutError(f"{path} says {answer.text if answer else 'nothing'}") from None


async def call_and_give_up(company: CallingStack, number: str) -> None:
    """Somebody calls, a phone rings, and they hang up."""
    before = len(company.stack.provider.calls) + len(company.stack.office.calls)
    call = await company.stack.provider.call(COMPANY_NUMBER, number)
    async with asyncio.timeout(10):
        while len(company.stack.provider.calls) + len(company.stack.office.calls) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await call.cancel()


async def call_back(company: CallingStack, recipient: Behaviour) -> tuple[dict[str, Any], float]:
    """Boris has Anna called back: how it ended, and how long her phone rang by its own clock."""
    provider = company.stack.provider
    provider.behaviours = {BORIS: Answer(), ANNA: recipient}
    provider.calls.clear()
    callback = await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")
    boris = await provider.called(BORIS)
    await boris.answered()
    await asyncio.sleep(0.3)  # a key before Read listens is lost, as in real life
    await boris.send_dtmf("5")
    rang = await ringing_seconds(await provider.called(ANNA, deadline=10))
    return await company.app.until(callback, *FINAL, deadline=20), rang


async def ringing_seconds(phone: IncomingCall) -> float:
    clock = asyncio.get_running_loop().time
    await phone.ringing()
    began = clock()
    with suppress(CallEndedError):
        await phone.answered(deadline=30)
    return clock() - began


async def test_a_recipient_nobody_answered_is_missed_until_the_courier_reaches_them(company: CallingStack) -> None:
    company.stack.provider.default = company.stack.office.default = NO_ANSWER
    for calls in (1, 2):
        await call_and_give_up(company, ANNA)
        found = await asked(company, "/missed", lambda told: told["missed"] and told["missed"][0]["count"] == calls)  # noqa: B023
    [entry] = found["missed"]
    assert (entry["state"], entry["parcel"], entry["courier"], entry["client"]) == ("open", "10", "11", "101")
    assert (entry["caller"]["number"], entry["caller"]["kind"]) == (ANNA, "recipient")
    assert entry["rung"] == [{"number": BORIS, "times": 2}]

    failed, phone_rang = await call_back(company, NO_ANSWER)
    assert failed["reason"] == "no_answer"
    sheet = await asked(company, "/parcels/10/attempts?lang=en", lambda told: len(told["attempts"]) == 1)
    [attempt] = sheet["attempts"]
    assert attempt["rang_seconds"] == pytest.approx(phone_rang, abs=0.3)
    assert (attempt["why"], attempt["verdict"], attempt["by"]["id"]) == ("no_answer", "genuine attempt", "11")
    assert attempt["number"] == "*******0001"
    assert len(sheet["contacts"]) == 2
    assert (await asked(company, "/missed", lambda _: True))["missed"][0]["state"] == "open"

    done, phone_rang = await call_back(company, Answer(after=1.0, talk=0.5))
    assert done["status"] == "done"
    settled = await asked(company, "/missed?state=closed", lambda told: len(told["missed"]) == 1)
    closed = settled["missed"][0]["closed"]
    assert (closed["direction"], closed["by"]["kind"], closed["by"]["id"]) == ("callback", "courier", "11")
    assert closed["call"].endswith(done["id"])
    assert (await asked(company, "/missed", lambda told: True))["missed"] == []

    sheet = await asked(company, "/parcels/10/attempts", lambda told: len(told["attempts"]) == 2)
    assert [one["verdict"] for one in sheet["attempts"]] == ["genuine attempt", "reached"]
    reached = sheet["attempts"][1]
    assert reached["rang_seconds"] == pytest.approx(phone_rang, abs=0.3)
    assert reached["talk_seconds"] == pytest.approx(0.5, abs=0.4)

    # What a client was shown can be checked later, in every form, and after the journal was made anew.
    code, _, errors = await company.stack.waybell.command("journal", "rebuild", "--json")
    assert code == 0, errors
    again = await asked(company, f"/parcels/10/attempts?until={sheet['made_at']}", lambda _: True)
    assert (again["checksum"], again["made_at"]) == (sheet["checksum"], sheet["made_at"])
    assert (await asked(company, "/missed?state=closed", lambda _: True)) == settled
    for form, head in (("html", "<!DOCTYPE html>"), ("pdf", "%PDF-")):
        shown = await company.desk.http.get(f"/parcels/10/attempts?format={form}&until={sheet['made_at']}")
        assert (shown.status_code, shown.text[: len(head)]) == (200, head)
        assert form == "pdf" or sheet["checksum"] in shown.text


async def test_the_managers_phone_rings_for_whoever_waits_and_is_connected_to_them(tmp_path: Path) -> None:
    missed = {"after_minutes": 0.05, "ring": "199", "hours_from": "00:00", "hours_until": "24:00"}
    async with calling_stack(tmp_path, changes=LIMITS | {"missed": missed}) as company:
        provider, office = company.stack.provider, company.stack.office
        provider.default = office.default = NO_ANSWER
        provider.behaviours, office.behaviours = {STRANGER: Answer(talk=0.5)}, {"199": Answer(after=0.2)}
        await call_and_give_up(company, STRANGER)
        [entry] = (await asked(company, "/missed?state=all", lambda told: len(told["missed"]) == 1))["missed"]
        assert (entry["caller"]["number"], entry["rung"]) == (STRANGER, [{"number": "500", "times": 1}])
        manager = await office.called("199", deadline=15)
        await manager.answered()
        await (await provider.called(STRANGER)).answered()
        await manager.ended()
        settled = await asked(company, "/missed?state=closed", lambda told: len(told["missed"]) == 1)
        closed = settled["missed"][0]["closed"]
        assert (closed["direction"], closed["by"]["number"]) == ("outbound", "199")
        assert len([call for call in office.calls if call.user == "199"]) == 1
