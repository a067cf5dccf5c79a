"""Every shape of call made anew by real phones: what the journal says of it, and what Asterisk's call records say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from lab import call_records
from lab.call_records import CallRecord, covered, read_records, records_path
from lab.callbacks import CallingStack, calling_stack
from lab.scene import play
from lab.shapes import SCENES
from lab.shapes_pbx import shapes_pbx
from lab.shapes_placed import LIMITS, PLACED
from tests.pbx.journal import JournalReader
from tests.unit.calls.logbook import parse
from tests.unit.calls.shape_tables import expected
from waybell.calls.cel import CelRecord
from waybell.calls.conversations import Conversations
from waybell.calls.fold import fold
from waybell.calls.values import Call, micros

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

# Asterisk's call records know no ringing of a phone that is rung for somebody who was answered before: they go on to
# bill. (Not so where the transferring phone asks on a second call: that call has records of its own.)
RINGING_IS_BILLED = frozenset(
    [name for name in SCENES if name.startswith(("blind_", "attended_by_keys"))]
    + ["attended_transfer_while_it_rings", "park_timeout"]
)
# What a phone rings with keys goes through a Local channel, and that has records of its own as well.
RINGING_IS_RECORDED = frozenset(name for name in SCENES if name.startswith("attended_"))
NEAR = pytest.approx


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CallingStack]:
    async with calling_stack(tmp_path_factory.mktemp("shapes"), pbx=shapes_pbx(), changes=LIMITS) as all_:
        yield all_


@dataclass(frozen=True)
class Played:
    """One scene: its log, its call records and the journal's new rows."""

    log: str
    records: list[CallRecord]
    rows: list[dict[str, Any]]


async def played(company: CallingStack, name: str) -> Played:
    scene = partial(SCENES[name], company.stack) if name in SCENES else partial(PLACED[name], company)
    path = records_path(company.stack.pbx)
    before = path.stat().st_size if path.exists() else 0
    async with JournalReader(company.stack) as journal:
        known = await journal.ids()
        log = await play(company.stack, scene)
        rows = await new_rows(journal, known, len(expected(name)))
    return Played(log, read_records(path.read_bytes()[before:].decode() if path.exists() else ""), rows)


async def new_rows(journal: JournalReader, known: set[str], number: int) -> list[dict[str, Any]]:
    """Those of ``number`` calls that have ended, in the order in which they began."""
    async with asyncio.timeout(15):
        while True:
            rows = [row for row in await journal.rows() if row["id"] not in known]
            if len(rows) == number and all(row["status"] != "in_progress" for row in rows):
                return sorted(rows, key=lambda row: (row["started_at"], row["id"]))
            await asyncio.sleep(0.05)  # a table tells nobody


_A_MOMENT = 0.05
"""Seconds: less is what the last few events of a call happen to be apart."""


def blurred(call: dict[str, Any]) -> dict[str, Any]:
    """``call`` without what is different each time: ids, times, the numbers of channels, who hung up quicker."""
    # Of a phone that redirects, Asterisk sometimes writes no cause, if it is quick.
    legs = [
        leg
        | {name: leg[name] is not None for name in ("started_at", "answered_at", "ended_at")}
        | {"channel": leg["channel"].rpartition("-")[0]}
        | ({"hangup_cause": 0, "hung_up": False} if leg["hangup_cause"] in (None, 0, 23) else {})
        for leg in call["legs"]
    ]
    route = [step | {"at": ""} for step in call["route"]]
    times = {name: call[name] is not None for name in ("started_at", "answered_at", "ended_at")}
    seconds = {"wait_seconds": 0, "ring_seconds": 0, "talk_seconds": call["talk_seconds"] > _A_MOMENT}
    return call | times | seconds | {"id": "", "legs": sorted(legs, key=repr), "route": route}


@pytest.mark.parametrize("name", [*SCENES, *(name for name in PLACED if name != "killed")])
async def test_a_shape_made_anew_becomes_the_calls_beside_the_recorded_one(company: CallingStack, name: str) -> None:
    made = await played(company, name)
    assert [blurred(row) for row in made.rows] == [blurred(row) for row in expected(name)]
    for records, call in conversations(made.log) if name in SCENES and name != "conference" else ():
        agree(name, call, [found for found in made.records if found.linkedid in {one.linkedid for one in records}])
    if name in ("callback", "click_to_call"):
        both_phones_agree(made)


async def test_the_time_in_a_conference_agrees_with_its_call_records(company: CallingStack) -> None:
    # They are of pairs of channels, one for each two that met, and begin with the answer of the first: as a whole they
    # cover the conference.
    made = await played(company, "conference")
    calls = [call for _, call in conversations(made.log)]
    spans = [((call.answered_at or 0) / 1e6, (call.answered_at or 0) / 1e6 + call.talk_seconds) for call in calls]
    recorded = covered([(found.answer, found.end) for found in made.records if found.answer])
    assert covered(spans) == NEAR(recorded, abs=0.1)


def conversations(log: str) -> list[tuple[list[CelRecord], Call]]:
    return [(ended.records, fold(ended.records)) for ended in Conversations().add(parse(log.encode()))]


def agree(name: str, call: Call, records: Sequence[CallRecord]) -> None:
    """Talk, ring and wait seconds are those of Asterisk's call records."""
    later = rung_later(call)
    talk = call.talk_seconds + (later if name in RINGING_IS_BILLED else 0)
    ring = call.ring_seconds - (0 if name in RINGING_IS_RECORDED - {"attended_transfer_while_it_rings"} else later)
    assert talk == NEAR(call_records.talked(records), abs=0.1)
    assert ring == NEAR(call_records.rang(records), abs=0.1)
    assert call.wait_seconds == NEAR(call_records.waited(records), abs=0.1)


def both_phones_agree(made: Played) -> None:
    """A placed call has one record: from ringing the first phone, through its answer, to the end."""
    [row], [record] = made.rows, made.records
    times = row["started_at"], row["legs"][0]["answered_at"], row["ended_at"]
    started, answered, ended = (micros(at) or 0 for at in times)
    assert (answered - started) / 1e6 == NEAR(record.answer - record.start, abs=0.1)
    assert (ended - answered) / 1e6 == NEAR(record.end - record.answer, abs=0.1)


def rung_later(call: Call) -> float:
    """Seconds that phones rang for a caller who had been answered."""
    answered = call.answered_at
    legs = [leg for leg in call.legs if answered is not None and leg.started_at > answered]
    return covered([(leg.started_at / 1e6, (leg.answered_at or leg.ended_at or 0) / 1e6) for leg in legs])


async def test_the_calls_of_an_asterisk_that_was_killed_end_interrupted(company: CallingStack) -> None:
    made = await played(company, "killed")
    assert [blurred(row) for row in made.rows] == [blurred(row) for row in expected("killed")]
    cut_off = [row for row in made.rows if row["status"] == "interrupted"]
    assert len({row["ended_at"] for row in cut_off}) == 1
    assert all(row["ended_at"] < made.rows[-1]["started_at"] for row in cut_off)


async def test_a_rebuilt_journal_has_the_same_rows(company: CallingStack) -> None:
    async with JournalReader(company.stack) as journal:
        before = await journal.rows()
        code, _, errors = await company.stack.waybell.command("journal", "rebuild", "--json")
        assert code == 0, errors
        assert await journal.rows() == before
