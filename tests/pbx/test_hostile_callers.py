"""Whatever bytes a caller puts where: one phone rings or none, one row or none, and nothing of it goes further."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from lab.dialog import OutgoingCall
from lab.phone import IncomingCall
from lab.stack import Stack
from tests.pbx.faults.callers import BORIS, COURIER_OF, OFFICE, STRANGER, Callers
from tests.pbx.faults.company import company
from tests.pbx.faults.event_log import finished_rows, records, settled
from tests.pbx.faults.hostile import MARK, PAYLOADS, Hostile, hostile_calls
from tests.pbx.journal import JournalReader

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

CALLS = hostile_calls(STRANGER)
_NO_ANSWER = 0
_UNANSWERED_SECONDS = 3.0
_LONGEST_INVITE = 2000
_REFUSED = (_NO_ANSWER, 400, 404, 414, 416)
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|%0[ad0]", re.IGNORECASE)


@dataclass(frozen=True)
class Seen:
    """All that the hostile calls left behind. ``statuses``: how each ended for its caller, 0 without an answer."""

    is_down: bool
    statuses: dict[str, int]
    log: list[dict[str, str]]
    rows: dict[str, dict[str, Any]]
    rung: list[IncomingCall]
    globals: str

    def conversation(self, call: Hostile) -> str | None:
        """The LinkedID of ``call``, if there was a conversation."""
        found = [
            row["LinkedID"]
            for row in self.log
            if row["UniqueID"] == row["LinkedID"]
            and row["EventType"] == "CHAN_START"
            and call.honest in (row["Exten"], row["Num"])
        ]
        assert len(found) <= 1
        return found[0] if found else None


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["waybell runs", "waybell is down"])
async def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seen]:
    is_down = request.param == "waybell is down"
    async with company(tmp_path_factory.mktemp("hostile")) as stack:
        if is_down:
            await stack.waybell.kill9()
        statuses = await place_all(stack)
        if is_down:
            await stack.waybell.start()
        accepted = sum(status == 200 for status in statuses.values())
        await settled(stack.pbx.cel_path, accepted)
        async with JournalReader(stack) as journal:
            rows = await finished_rows(journal, accepted)
            assert (await stack.waybell.command("journal", "rebuild"))[0] == 0
            assert await journal.rows() == rows
        shown = await stack.pbx.rx("dialplan show globals")
        rung = [*stack.provider.calls, *stack.office.calls]
        log = records(stack.pbx.cel_path)
        yield Seen(is_down, statuses, log, {row["id"]: row for row in rows}, rung, shown)


async def place_all(stack: Stack) -> dict[str, int]:
    Callers(stack)
    ending = {}
    for name, call in CALLS.items():
        outgoing = await stack.provider.call(call.to, call.from_user, call.display_name, headers=call.headers)
        ending[name] = asyncio.create_task(status_of(outgoing))
        await asyncio.sleep(0.01)
    return {name: await task for name, task in ending.items()}


async def status_of(call: OutgoingCall) -> int:
    """How ``call`` ended; no answer at all to what was sent three times is one too."""
    try:
        return (await call.ended(_UNANSWERED_SECONDS)).status
    except TimeoutError:
        return (await call.ended(30)).status if call.messages else _NO_ANSWER


@pytest.mark.parametrize("name", CALLS)
async def test_a_hostile_call_rings_whom_it_should_or_nobody(seen: Seen, name: str) -> None:
    call, status = CALLS[name], seen.statuses[name]
    conversation = seen.conversation(call)
    if status != 200:
        assert status in _REFUSED
        assert conversation is None
        return
    assert conversation is not None
    events = [row for row in seen.log if row["LinkedID"] == conversation]
    legs = {row["ChanName"] for row in events if row["EventType"] == "CHAN_START" and row["UniqueID"] != conversation}
    row = seen.rows[conversation]
    assert row["caller"]["number"] in call.shown
    expected = OFFICE if seen.is_down else COURIER_OF.get(row["caller"]["number"], OFFICE)
    assert row["answered_by"]["number"] == expected
    (leg,) = legs
    assert leg.startswith("PJSIP/trunk-" if expected == BORIS else f"PJSIP/{OFFICE}-")
    assert [(step["step"], step["verb"], step["result"], step["source"]) for step in row["route"]] == [
        ("waybell-office", "dial", "ANSWER", "fallback") if seen.is_down else ("find", "dial", "ANSWER", "crm")
    ]
    assert MARK.decode() not in str(row)
    assert sum(row["eventenum"] == "USER_DEFINED" for row in events) == 1


async def test_every_conversation_has_one_row_and_no_row_is_without_one(seen: Seen) -> None:
    conversations = {row["LinkedID"] for row in seen.log}
    assert conversations == set(seen.rows)
    assert len(conversations) == len(seen.rung) == sum(status == 200 for status in seen.statuses.values())


async def test_most_payloads_came_through_asterisk_to_the_dialplan(seen: Seen) -> None:
    for place in ("From's user", "P-Asserted-Identity", "the display name"):
        through = [name for name in PAYLOADS if seen.statuses[f"{name} in {place}"] == 200]
        assert len(through) > 0.7 * len(PAYLOADS), (place, sorted(set(PAYLOADS) - set(through)))


async def test_nothing_that_a_hostile_caller_chose_is_in_an_outgoing_invite(seen: Seen) -> None:
    assert seen.rung
    for call in seen.rung:
        invite = call.invite
        assert MARK not in invite.raw
        assert not _CONTROL.search(invite.raw.replace(b"\r\n", b"\n"))
        assert invite.user in (OFFICE, BORIS)
        assert re.fullmatch("[0-9]*|anonymous", call.caller), invite.raw
        assert not invite.all("Diversion")
        assert len(invite.raw) < _LONGEST_INVITE


async def test_no_variable_of_the_dialplan_was_made_by_a_caller(seen: Seen) -> None:
    names = {line.strip().partition("=")[0] for line in seen.globals.splitlines() if "=" in line}
    assert names == {"WAYBELL_AGI", "WAYBELL_OFFICE_DIAL"}
