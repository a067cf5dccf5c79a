"""Every shape of call, as the real Asterisk logged it, beside the call that it must become."""

from __future__ import annotations

import random
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.calls.logbook import raw_records
from tests.unit.calls.memory_store import MemoryJournalStore
from tests.unit.calls.shape_tables import NAMES, calls_of, expected, shape, together
from waybell.calls.log_fold import LogFold
from waybell.calls.logs import LogId
from waybell.calls.values import Call

LOG = LogId("shapes", 1)
CUT_OFF = ("killed", "log_begins_within_the_call", "event_log_switched_on")
WHOLE = [name for name in NAMES if name not in CUT_OFF]
DAY = [*WHOLE, *WHOLE]


@pytest.mark.parametrize("name", NAMES)
def test_a_shape_becomes_the_calls_beside_it(name: str) -> None:
    assert [call.as_json() for call in calls_of(shape(name))] == expected(name)


@pytest.mark.parametrize("name", [name for name in WHOLE if name not in ("attended_transfer_abandoned", "conference")])
def test_one_conversation_is_one_row(name: str) -> None:
    assert len(expected(name)) == (2 if name == "attended_transfer_while_it_rings" else 1)


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_of_asterisk_itself_are_no_legs(name: str) -> None:
    channels = [leg["channel"] for call in expected(name) for leg in call["legs"]]
    assert not [channel for channel in channels if not channel.startswith("PJSIP/")]
    assert all(leg["number"] for call in expected(name) for leg in call["legs"]) or name in CUT_OFF


def at_once(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run what never waits."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


class Journal:
    """Follows a log as the recorder does; ``rows`` are what stands in the store."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._store = MemoryJournalStore()
        self.start()

    @property
    def rows(self) -> dict[str, Call]:
        return self._store.rows

    def start(self) -> None:
        """For the first time, or after a crash: only what was saved is known."""
        place = self._store.saved_place
        self._fold = LogFold()
        self._at = place.offset if place else 0

    def read(self, size: int) -> None:
        chunk = self._data[self._at : self._at + size]
        self._fold.take(LOG, self._at, chunk)
        self._at += len(chunk)

    def flush(self) -> None:
        under_way = [self._fold.fold(found.records) for found in self._fold.running(1 << 62)]
        final, provisional = list(self._fold.final.values()), [*self._fold.provisional.values(), *under_way]
        at_once(self._store.save(final, provisional, self._fold.low_water(), self._fold.gone))
        self._fold.written()

    def is_done(self) -> bool:
        return self._at >= len(self._data)


def straight(data: bytes) -> dict[str, Call]:
    """The rows of a log that is read in one go."""
    journal = Journal(data)
    journal.read(len(data))
    journal.flush()
    return journal.rows


def follow(data: bytes, seed: int, *, crashes: bool) -> dict[str, Call]:
    """Read in any chunks, write at any time, crash at any time."""
    chance = random.Random(seed)
    journal = Journal(data)
    while not journal.is_done():
        journal.read(chance.choice((1, 90, 400, 2000)))
        if chance.random() < 0.4:
            journal.flush()
        if crashes and chance.random() < 0.1:
            journal.start()
    journal.flush()
    return journal.rows


def shuffled(data: bytes, seed: int) -> bytes:
    """Records of the same microsecond in any order."""
    chance = random.Random(seed)
    records = raw_records(data)
    times = [record.split(b'","', 4)[3] for record in records]
    order = sorted(range(len(records)), key=lambda number: (times[number], chance.random()))
    return b"".join(records[number] for number in order)


def doubled(data: bytes, seed: int, within: int) -> bytes:
    """Some records once more, up to ``within`` records later."""
    chance = random.Random(seed)
    places = [(float(number), record) for number, record in enumerate(raw_records(data))]
    places += [(number + 0.5 + chance.randrange(within), record) for number, record in places if chance.random() < 0.1]
    return b"".join(record for _, record in sorted(places, key=lambda place: place[0]))


@st.composite
def days(draw: st.DrawFn) -> bytes:
    """Some shapes that overlap, in one log of one run of Asterisk."""
    names = draw(st.lists(st.sampled_from(WHOLE), min_size=2, max_size=6))
    return together(names, draw(st.lists(st.integers(0, 6), min_size=len(names), max_size=len(names))))


EASY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@EASY
@given(days(), st.integers(0, 2**32))
def test_cut_into_any_chunks_and_replayed_after_any_crash_the_rows_are_the_same(data: bytes, seed: int) -> None:
    assert follow(data, seed, crashes=True) == straight(data)


@EASY
@given(days(), st.integers(0, 2**32))
def test_shuffled_within_the_clocks_resolution_the_rows_are_the_same(data: bytes, seed: int) -> None:
    assert follow(shuffled(data, seed), seed, crashes=True) == straight(data)


@EASY
@given(days(), st.integers(0, 2**32))
def test_with_records_that_stand_there_twice_the_rows_are_the_same(data: bytes, seed: int) -> None:
    assert follow(doubled(data, seed, 200), seed, crashes=False) == straight(data)
    assert follow(doubled(data, seed, 1), seed, crashes=True) == straight(data)


@EASY
@given(st.integers(0, 2**32))
def test_of_an_asterisk_that_was_killed_the_rows_are_the_same_after_any_crash_of_ours(seed: int) -> None:
    data = shape("killed")
    assert follow(data, seed, crashes=True) == straight(data)
    assert follow(doubled(data, seed, 20), seed, crashes=False) == straight(data)


def test_a_whole_day_of_shapes_at_the_same_time_does_not_mix() -> None:
    data = together(DAY, [number % 7 for number in range(len(DAY))])
    alone = sorted((row["status"], row["direction"], len(row["legs"])) for name in DAY for row in expected(name))
    assert sorted((str(c.status), str(c.direction), len(c.legs)) for c in straight(data).values()) == alone
