from __future__ import annotations

import re

import pytest

from tests.unit.calls.logbook import another, raw_records
from tests.unit.calls.shape_tables import shape, together
from tests.unit.calls.test_shapes import Journal, straight
from waybell.calls.lives import Life, Restart, number_of
from waybell.calls.values import Status

SECOND = 1_000_000
BEHIND = 600
NOON = 1_800_000_000 * SECOND


def told(*channels: tuple[int, float]) -> list[Restart | None]:
    """What each channel, by number and second it began, tells."""
    life = Life()
    return [life.begin(number, NOON + int(second * SECOND)) for number, second in channels]


@pytest.mark.parametrize(
    ("uniqueid", "number"),
    [
        ("1795311357.54", 54),
        ("pbx1-1795311357.0", 0),
        ("moscow-2-1795311357.7", 7),
        ("pbx1-cbf11c62a67b794d5a", -1),
        ("pbx1-cb1111111111111111.2", -1),
        ("cl0000000000000000.2", -1),
        ("pbx1-1795311357.-7", -1),
        ("", -1),
    ],
)
def test_only_asterisks_own_ids_have_a_number(uniqueid: str, number: int) -> None:
    assert number_of(uniqueid) == number


def test_the_first_channel_of_all_proves_a_new_start_however_soon() -> None:
    assert told((0, 0), (1, 0.1), (0, 0.4)) == [None, None, Restart(NOON + SECOND * 4 // 10, 0)]
    assert told((41, 0), (42, 2), (0, 2.3))[-1] == Restart(NOON + SECOND * 23 // 10, 0)


def test_a_lower_number_proves_it_once_it_cannot_be_a_thread_that_was_late() -> None:
    assert told((41, 0), (42, 1), (3, 6.1))[-1] == Restart(NOON + SECOND * 61 // 10, 3)


def test_the_channels_that_could_not_prove_it_yet_are_of_the_new_run_too() -> None:
    assert told((41, 0), (42, 1), (2, 3), (3, 4), (4, 6.5))[-1] == Restart(NOON + 3 * SECOND, 2)


@pytest.mark.parametrize(
    "channels",
    [
        [(0, 0), (2, 0.001), (1, 0.0012), (3, 0.002)],
        [(1, 0.0), (0, 0.3), (2, 0.4)],
        [(41, 0.999999), (40, 1.0), (42, 1.00001)],
        [(41, 0), (40, 4.9), (42, 5), (43, 60)],
        [(7, 0), (8, 100), (7, 0), (0, -50), (9, 101)],
        [(7, 0), (8, 100), (9, -3600), (10, -3590), (11, 200)],
    ],
)
def test_late_threads_repeated_records_and_a_clock_set_back_prove_nothing(channels: list[tuple[int, float]]) -> None:
    assert told(*channels) == [None] * len(channels)


def test_after_a_new_start_the_next_one_is_told_too() -> None:
    restarts = told((0, 0), (1, 10), (0, 60), (1, 61), (2, 62), (0, 120))
    assert [number for number, restart in enumerate(restarts) if restart] == [2, 5]


def test_every_call_that_a_killed_asterisk_had_ends_interrupted_and_no_later_one_does() -> None:
    statuses = [row.status for row in straight(shape("killed")).values()]
    assert sorted(statuses) == [Status.ANSWERED, *[Status.INTERRUPTED] * 3]


def test_an_interrupted_call_ends_when_the_pbx_was_last_seen_alive() -> None:
    rows = straight(shape("killed")).values()
    alive = max(row.started_at for row in rows if row.status is Status.INTERRUPTED)  # the last one had just begun
    assert {row.ended_at for row in rows if row.status is Status.INTERRUPTED} == {alive}
    talking = [row for row in rows if row.status is Status.INTERRUPTED and row.answered_by]
    assert all(row.talk_seconds > 0.9 for row in talking)


def test_calls_of_a_running_pbx_are_never_taken_as_interrupted() -> None:
    data = together(
        ["queue_answered", "callback", "conference", "pick_up"] * 40, [number // 4 for number in range(160)]
    )
    assert Status.INTERRUPTED not in {row.status for row in straight(data).values()}


def after_a_new_start(seconds: int, number: int) -> list[bytes]:
    """The log of the killed Asterisk, whose next run began with a call of ``number``, ``seconds`` later."""
    records = raw_records(shape("killed"))
    first = next(at for at, record in enumerate(records) if b'.0","pbx1-' in record)
    ids = {b".0": b".%d" % number, b".1": b".%d" % (number + 1)}
    later = [
        re.sub(rb'(?<=[0-9]{10})\.[01](?=")', lambda match: ids[match[0]], _later(record, seconds))
        for record in records[first:]
    ]
    return records[:first] + later


def _later(record: bytes, seconds: int) -> bytes:
    return re.sub(rb'"([0-9]{10})(?=\.[0-9]{6}")', lambda match: b'"%d' % (int(match[1]) + seconds), record, count=1)


def ends(records: list[bytes]) -> list[str]:
    return sorted(row.status.value for row in straight(b"".join(records)).values())


def test_a_callback_that_may_be_of_the_new_run_is_left_alone_until_its_ringing_must_be_over() -> None:
    # The new run numbered one channel that the log does not tell of: it may be that of the callback which rang.
    records = after_a_new_start(10, 1)
    assert ends(records) == ["answered", "in_progress", "interrupted", "interrupted"]
    internal = raw_records(another(shape("internal"), 1, BEHIND))
    assert ends(records + internal) == ["answered", "answered", "interrupted", "interrupted", "interrupted"]


def test_what_rang_in_the_run_before_is_interrupted_when_no_channel_of_the_new_one_is_unknown() -> None:
    assert ends(after_a_new_start(10, 0)) == ["answered", "interrupted", "interrupted", "interrupted"]


def test_a_record_of_the_run_before_that_stands_there_once_more_proves_nothing_later() -> None:
    restarts = told((0, 0), (41, 1), (0, 60), (1, 61), (41, 1), (2, 70))
    assert [number for number, restart in enumerate(restarts) if restart] == [2]


def test_a_callback_that_only_rang_is_interrupted_even_if_all_else_was_written_before() -> None:
    killed = raw_records(shape("killed"))
    anew = next(at for at, record in enumerate(killed) if b'.0","pbx1-' in record)
    ringing = killed[anew - 1]
    before, after = shape("internal"), [_later(record, 60) for record in killed[anew:]]
    journal = Journal(before + ringing + b"".join(after))
    journal.read(len(before))
    journal.flush()
    journal.read(len(ringing))
    journal.flush()
    journal.start()
    while not journal.is_done():
        journal.read(300)
    journal.flush()
    assert sorted(row.status.value for row in journal.rows.values()) == ["answered", "answered", "interrupted"]
