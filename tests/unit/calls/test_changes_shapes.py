"""Every shape of call told as it happens: what is told last is what the journal holds, and nobody is left waiting."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.calls.shape_tables import NAMES, expected, shape, together
from tests.unit.calls.test_changes import log_of, told
from waybell.calls.changes import Happened
from waybell.calls.feed import CallFeed, Happening

# Their end is told by the next start of the PBX, or a day later: neither is in these logs.
CUT_OFF = ("killed", "log_begins_within_the_call", "event_log_switched_on")
WHOLE = [name for name in NAMES if name not in CUT_OFF]
SEVERAL = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def by_call(happenings: list[Happening]) -> dict[str, list[Happening]]:
    found: dict[str, list[Happening]] = {}
    for one in happenings:
        found.setdefault(one.call.id, []).append(one)
    return found


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_told_last_of_a_call_is_what_the_journal_holds(name: str) -> None:
    lasting = [
        of_one[-1].call.as_json()
        for of_one in by_call(told(shape(name))).values()
        if of_one[-1].change.type is not Happened.JOINED
    ]
    assert sorted(lasting, key=lambda call: str(call["id"])) == sorted(expected(name), key=lambda call: str(call["id"]))


@pytest.mark.parametrize("name", WHOLE)
def test_every_call_that_starts_ends_once_or_becomes_part_of_one_that_does(name: str) -> None:
    happenings = told(shape(name))
    for of_one in by_call(happenings).values():
        types = [one.change.type for one in of_one]
        assert types[0] is Happened.STARTED
        assert types.count(Happened.STARTED) == types.count(Happened.ENDED) + types.count(Happened.JOINED) == 1
        assert types.count(Happened.ANSWERED) <= 1
        assert types[-1] in (Happened.ENDED, Happened.MISSED, Happened.JOINED)
    ids = [one.change.id for one in happenings]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", WHOLE)
def test_a_call_that_is_part_of_another_says_of_which(name: str) -> None:
    happenings = told(shape(name))
    lasting = {str(call["id"]) for call in expected(name)}
    for one in happenings:
        assert (one.into in lasting) if one.change.type is Happened.JOINED else not one.into


@SEVERAL
@given(names=st.lists(st.sampled_from(WHOLE), min_size=1, max_size=5), data=st.data())
def test_from_wherever_the_reading_goes_on_the_same_happens(names: list[str], data: st.DataObject) -> None:
    log = together(names, [data.draw(st.integers(0, 5)) for _ in names])
    whole, known_as = told(log), log_of(log)
    last = whole[data.draw(st.integers(0, len(whole) - 1))]
    feed = CallFeed()
    feed.skip(known_as, last.low.offset, log[last.low.offset : last.place.offset])
    rest = feed.take(known_as, last.place.offset, log[last.place.offset :])
    follows = [one for one in whole if one.place.offset > last.place.offset]
    assert [(one.change, one.place, one.call) for one in rest] == [(one.change, one.place, one.call) for one in follows]
