from __future__ import annotations

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
