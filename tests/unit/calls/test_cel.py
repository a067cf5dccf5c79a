from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.calls.logbook import NAMES, parse, raw_records, trace
from waybell.calls.cel import CelParser, CelRecord, Event

ANSWERED = trace("answered")
RECORDS = raw_records(ANSWERED)


def line(event: str = "HANGUP", *, kind: str = "", user: str = "", num: str = "", extra: str = "") -> bytes:
    """One record as ``cel_custom`` writes it."""
    fields = [event, kind or event, user, "1795311325.262949", num, num, num, num, "", "s", "waybell"]
    fields += ["PJSIP/trunk-00000020", "", "", "", "1795311325.31", "1795311325.31", "", "", extra]
    return (",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n").encode()


def fed(*chunks: bytes) -> tuple[list[CelRecord], CelParser]:
    parser = CelParser()
    return [record for chunk in chunks for record in parser.feed(chunk)], parser


def test_a_record_has_the_fields_that_the_fold_reads() -> None:
    record = parse(ANSWERED)[0]
    assert record == CelRecord(
        at=1795311325262949,
        event=Event.CHAN_START,
        uniqueid="1795311325.31",
        linkedid="1795311325.31",
        channel="PJSIP/trunk-0000001f",
        context="from-trunk",
        num="79161234567",
        exten="100",
        dialled="",
        extra="",
    )


def test_events_that_the_fold_has_no_use_for_are_left_out() -> None:
    assert [Event(record.event).name for record in parse(trace("rejected"))] == [
        "CHAN_START",
        "APP_START",
        "NOTE",
        "HANGUP",
        "LINKEDID_END",
    ]


def test_only_our_own_user_events_are_notes() -> None:
    ours = line("WAYBELL", kind="USER_DEFINED", user="WAYBELL")
    others = line("WAYBELL", kind="USER_DEFINED", user="OTHER") + line("WAYBELL", kind="HANGUP", user="WAYBELL")
    others += line("WAYBELL", kind="CHAN_END", user="WAYBELL")
    assert [record.event for record in parse(ours + others)] == [Event.NOTE, Event.HANGUP]


@pytest.mark.parametrize("name", NAMES)
def test_a_log_cut_in_two_anywhere_gives_the_same_records(name: str) -> None:
    data = trace(name)
    whole = parse(data)
    for cut in range(0, len(data), 7):
        records, parser = fed(data[:cut], data[cut:])
        assert (records, parser.skipped, parser.offset) == (whole, 0, len(data))


VALUES = st.text(st.sampled_from(list('"",\\\n\r\x85\u2028;é李 ab')), max_size=12)


@given(st.lists(st.tuples(st.sampled_from(["CHAN_START", "HANGUP"]), VALUES, VALUES), max_size=6))
def test_whatever_values_hold_a_record_is_read_as_it_was_written(values: list[tuple[str, str, str]]) -> None:
    log = b"".join(line(event, num=num, extra=extra) for event, num, extra in values)
    records, parser = fed(log)
    assert [(record.num, record.extra) for record in records] == [
        (num if event == "CHAN_START" else "", extra) for event, num, extra in values
    ]
    assert (parser.skipped, parser.offset) == (0, len(log))


@given(st.lists(st.integers(1, 4000), max_size=30))
def test_any_chunking_gives_the_same_records(sizes: list[int]) -> None:
    data = b"".join(trace(name) for name in NAMES)
    records, parser, at = [], CelParser(), 0
    for size in [*sizes, len(data)]:
        records += parser.feed(data[at : at + size])
        at += size
        assert parser.position == min(at, len(data))
    assert records == parse(data)


def test_a_half_written_record_waits_for_its_end() -> None:
    half, rest = RECORDS[0][:60], RECORDS[0][60:]
    parser = CelParser()
    assert parser.feed(RECORDS[1] + half) == parse(RECORDS[1])
    assert parser.offset == len(RECORDS[1])
    assert parser.feed(rest) == parse(RECORDS[0])


def test_a_record_half_written_in_a_value_that_ends_with_a_line_feed_waits_too() -> None:
    record = line(num='two\nlines\n"quoted"\n')
    for cut in range(1, len(record)):
        records, parser = fed(RECORDS[0] + record[:cut], record[cut:])
        assert (len(records), parser.skipped) == (2, 0)


def test_bytes_that_are_no_utf8_stay_readable() -> None:
    assert parse(trace("cp1251"))[0].num == '79\\xcf\\xee\r\n""\n'


@pytest.mark.parametrize(
    "name",
    [
        '\n"CHAN_START","CHAN_START","","1.000000","',
        '"\n"CHAN_START","CHAN_START","","1795311325.262949","Forged","1","","","","s","x","y"',
        "\nCHAN_START",
        '"',
        '""\n""',
        "\r\n\x00,\x1c\u2028,",
    ],
)
def test_a_hostile_caller_forges_no_record(name: str) -> None:
    records, parser = fed(line("CHAN_START") + line("CHAN_START", num=name) + line("CHAN_START"))
    assert [record.num for record in records] == ["", name, ""]
    assert parser.skipped == 0


def test_a_hostile_caller_forges_no_record_even_behind_garbage() -> None:
    forged = line("CHAN_START", num="Forged").decode()
    records, parser = fed(b'"garbage\n' + line(num=f"x\n{forged}") + line(num='\n"') + line())
    assert [record.event for record in records] == [Event.HANGUP] * 3
    assert parser.skipped == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\n",
        b'"one","field","less"\n',
        b'"an unbalanced quote\n',
        b"\x00" * 5000 + b"\n",
        RECORDS[0][:60] + b"\n",
        RECORDS[0].replace(b'"1795311325.262949"', b'"yesterday"'),
        RECORDS[0].replace(b'"1795311325.262949"', b'"9999999999999999.262949"'),
        RECORDS[0].replace(b'"Ivan"', b'"Iv"an"'),
    ],
)
def test_garbage_is_skipped_and_counted_and_the_next_records_are_not_lost(garbage: bytes) -> None:
    for chunks in ([ANSWERED + garbage + ANSWERED], [ANSWERED + garbage, ANSWERED], [ANSWERED, garbage, ANSWERED]):
        records, parser = fed(*chunks)
        assert records == parse(ANSWERED) * 2
        assert parser.skipped == 1


@pytest.mark.parametrize("cut", range(1, len(RECORDS[0]) - 1, 5))
def test_the_record_behind_half_a_record_on_the_same_line_is_not_lost(cut: int) -> None:
    records, parser = fed(RECORDS[1] + RECORDS[0][:cut] + RECORDS[5] + RECORDS[6])
    assert records == parse(RECORDS[1] + RECORDS[5] + RECORDS[6])
    assert parser.skipped == 1


def test_garbage_without_end_is_not_kept_for_ever() -> None:
    parser = CelParser()
    for _ in range(40):
        parser.feed(b'"' + b"x" * 10_000)
    assert parser.position - parser.offset < 300_000
    assert parser.feed(b"\n" + RECORDS[0]) == parse(RECORDS[0])


def test_what_a_file_ends_with_is_given_if_it_is_whole_and_counted_if_not() -> None:
    parser = CelParser()
    parser.feed(RECORDS[0][:-1])
    assert parser.finish() == parse(RECORDS[0])
    parser.feed(RECORDS[0][:40])
    assert parser.finish() == []
    assert parser.skipped == 1


@given(st.binary(max_size=400), st.integers(0, 400))
def test_no_bytes_make_it_fail(garbage: bytes, cut: int) -> None:
    records, parser = fed(garbage[:cut], garbage[cut:], b"\n" + ANSWERED)
    assert records[-len(parse(ANSWERED)) :] == parse(ANSWERED)
    assert parser.offset == parser.position
