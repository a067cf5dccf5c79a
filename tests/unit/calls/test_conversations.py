from __future__ import annotations

import pytest

from tests.unit.calls.logbook import another, hour, parse, trace
from waybell.calls.cel import CelRecord
from waybell.calls.conversations import LONGEST_CALL, Conversations
from waybell.calls.logs import LogId, Place

ANSWERED = parse(trace("answered"))
DAY = LONGEST_CALL // 1_000_000


def test_a_conversation_is_over_with_its_last_channel() -> None:
    conversations = Conversations()
    assert conversations.add(ANSWERED[:-1]) == []
    [ended] = conversations.add(ANSWERED[-1:])
    assert (ended.records, ended.complete) == (ANSWERED, True)
    assert list(conversations.running()) == []


def test_conversations_at_the_same_time_do_not_mix() -> None:
    ended = Conversations().add(parse(hour(40)))
    assert len(ended) == 40
    assert all(len({record.linkedid for record in found.records}) == 1 for found in ended)


def test_a_conversation_without_an_end_is_interrupted_after_a_day_of_the_log_not_of_the_clock() -> None:
    conversations = Conversations()
    conversations.add(ANSWERED[:5])
    in_time = parse(another(trace("busy"), 1, DAY - 60))
    too_late = parse(another(trace("busy"), 2, DAY + 60))
    assert [found.interrupted for found in conversations.add(in_time)] == [False]
    assert [found.interrupted for found in conversations.add(too_late)] == [True, False]


def test_where_the_log_is_cut_does_not_change_when_a_conversation_is_given_up() -> None:
    log = (
        parse(trace("answered"))[:5] + parse(another(trace("busy"), 1, 9)) + parse(another(trace("busy"), 2, DAY + 60))
    )
    log += parse(another(trace("no_answer"), 3, DAY * 2 + 90))

    def ends(chunks: list[list[CelRecord]]) -> list[tuple[str, bool]]:
        conversations = Conversations()
        return [
            (found.records[0].linkedid, found.interrupted) for chunk in chunks for found in conversations.add(chunk)
        ]

    assert ends([log]) == ends([[record] for record in log])
    assert sorted(interrupted for _, interrupted in ends([log])) == [False, False, False, True]


def set_clock(records: list[CelRecord], by: int) -> list[CelRecord]:
    """``records`` as a clock that was set ``by`` microseconds ahead would have dated them."""
    return [record._replace(at=record.at + by) for record in records]


@pytest.mark.parametrize("first", [5, len(ANSWERED) - 1])
def test_when_the_clock_is_set_ahead_the_real_end_of_a_call_under_way_still_counts(first: int) -> None:
    conversations = Conversations()
    conversations.add(ANSWERED[:first])
    after = set_clock(ANSWERED[first:], 3 * LONGEST_CALL)
    given_up, ended = conversations.add(after)
    assert (given_up.interrupted, given_up.records) == (True, ANSWERED[:first])
    assert (ended.complete, ended.records) == (True, ANSWERED[:first] + after)


def test_a_conversation_that_was_given_up_is_no_longer_under_way_and_forgotten_after_another_day() -> None:
    conversations = Conversations()
    places = [Place(LogId("a", 1), offset) for offset in (0, 100)]
    conversations.add(ANSWERED[:5], places[0])
    conversations.add(parse(another(trace("busy"), 1, DAY + 60)), places[1])
    assert list(conversations.running()) == []
    assert conversations.oldest_place() == places[0], "its end may still come"
    conversations.add(parse(another(trace("busy"), 2, 2 * DAY + 120)), places[1])
    assert conversations.oldest_place() is None
    [late] = conversations.add(ANSWERED[5:])
    assert not late.complete


def test_when_the_clock_is_set_back_no_conversation_waits_for_the_future() -> None:
    conversations = Conversations()
    place = Place(LogId("a", 1), 0)
    conversations.add(set_clock(ANSWERED[:5], 3000 * LONGEST_CALL), place)
    assert [found.interrupted for found in conversations.add(parse(trace("busy")), place)] == [False]
    days = [parse(another(trace("busy"), number, (DAY + 60) * number)) for number in (1, 2)]
    assert [found.interrupted for day in days for found in conversations.add(day, place)] == [True, False, False]
    assert conversations.oldest_place() is None


def test_when_the_clock_is_set_back_the_real_end_of_a_call_under_way_counts() -> None:
    conversations = Conversations()
    records = set_clock(ANSWERED[:5], 3 * LONGEST_CALL) + ANSWERED[5:]
    [ended] = conversations.add(records)
    assert (ended.complete, ended.records) == (True, records)


def test_the_place_to_read_again_from_is_that_of_the_oldest_open_conversation() -> None:
    conversations = Conversations()
    places = [Place(LogId("a", 1), offset) for offset in (0, 100, 200)]
    conversations.add(ANSWERED[:3], places[0])
    conversations.add(parse(another(trace("busy"), 1, 1))[:3], places[1])
    conversations.add(ANSWERED[3:5], places[2])
    assert conversations.oldest_place() == places[0]
    conversations.add(ANSWERED[5:], places[2])
    assert conversations.oldest_place() == places[1]


def test_a_conversation_whose_beginning_is_not_in_the_log_is_not_complete() -> None:
    [ended] = Conversations().add(ANSWERED[1:])
    assert not ended.complete
