from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.unit.calls.logbook import clock_set, hour, parse, raw_records, trace
from waybell.calls import export
from waybell.calls.conversations import Conversations
from waybell.calls.fold import fold
from waybell.calls.journal import NoSuchCallError, list_calls, show_call
from waybell.calls.present import call_details, calls_table
from waybell.calls.queries import BadCursorError, CallFilter, parse_time
from waybell.calls.rebuild import rebuild
from waybell.calls.recorder import Recorder
from waybell.calls.values import Call, Party, Status
from waybell.calls.writer import SqlJournalStore

LOG = hour(48)
CALLS = [fold(ended.records) for ended in Conversations().add(parse(LOG))]
NEWEST_FIRST = sorted(CALLS, key=lambda call: (call.started_at, call.id), reverse=True)


async def fill(engine: AsyncEngine, calls: list[Call]) -> None:
    await SqlJournalStore(engine, "pbx1").save(calls, [], None)


async def everything(engine: AsyncEngine) -> list[Call]:
    return list((await list_calls(engine, limit=10_000)).calls)


async def follow(engine: AsyncEngine, path: Path) -> None:
    recorder = Recorder(SqlJournalStore(engine, "pbx1"), path)
    await recorder.start()
    while recorder.poll() or recorder.poll() or recorder.poll():
        await recorder.flush()
    await recorder.flush()
    recorder.close()


async def test_pages_give_every_call_once_newest_first(engine: AsyncEngine) -> None:
    await fill(engine, CALLS)
    found: list[Call] = []
    cursor = ""
    while True:
        page = await list_calls(engine, limit=7, cursor=cursor)
        found += page.calls
        cursor = page.cursor
        if not cursor:
            break
    assert found == NEWEST_FIRST


@pytest.mark.parametrize("cursor", ["x", "====", "MTI", "OTk5OTk5OTk5OTk5OTk5OTk5OTk6eA", "é"])
async def test_a_cursor_of_somebody_elses_is_refused(engine: AsyncEngine, cursor: str) -> None:
    with pytest.raises(BadCursorError):
        await list_calls(engine, cursor=cursor)


async def test_every_filter_gives_what_it_says(engine: AsyncEngine) -> None:
    await fill(engine, CALLS)
    middle = NEWEST_FIRST[20].started_at

    async def check(chosen: CallFilter, expected: list[Call]) -> None:
        assert expected
        assert list((await list_calls(engine, chosen, limit=1000)).calls) == expected

    await check(CallFilter(status="busy"), [call for call in NEWEST_FIRST if call.status is Status.BUSY])
    await check(CallFilter(direction="inbound"), NEWEST_FIRST)
    await check(CallFilter(kind="courier"), [call for call in NEWEST_FIRST if call.caller.kind == "courier"])
    await check(CallFilter(courier="12"), [call for call in NEWEST_FIRST if call.courier == "12"])
    await check(CallFilter(parcel="10"), [call for call in NEWEST_FIRST if call.parcel == "10"])
    await check(CallFilter(client="11"), [call for call in NEWEST_FIRST if call.client == "11"])
    await check(CallFilter(since=middle), NEWEST_FIRST[:21])
    await check(CallFilter(until=middle), NEWEST_FIRST[21:])
    for manager in ("199", "100"):
        expected = [call for call in NEWEST_FIRST if manager in (call.manager or "").split(",")]
        await check(CallFilter(manager=manager), expected)
    assert (await list_calls(engine, CallFilter(manager="10"))).calls == ()
    for number in ("79161234567", "+79010000011", "500"):
        plain = number.removeprefix("+")
        expected = [
            call
            for call in NEWEST_FIRST
            if plain in (call.caller.number, call.dialed, call.answered_by and call.answered_by.number)
        ]
        await check(CallFilter(number=number), expected)


async def test_a_call_is_shown_by_its_id_or_by_part_of_it(engine: AsyncEngine) -> None:
    await fill(engine, [replace(CALLS[0], id=key) for key in ("pbx1-17.1", "pbx1-17.11", "pbx1-18_5", "pbx1-18x5")])
    assert (await show_call(engine, "pbx1-17.1")).id == "pbx1-17.1"
    assert (await show_call(engine, "17.11")).id == "pbx1-17.11"
    assert (await show_call(engine, "18_")).id == "pbx1-18_5"
    with pytest.raises(NoSuchCallError, match=r"several calls.*pbx1-17\.1"):
        await show_call(engine, "17.")
    with pytest.raises(NoSuchCallError, match="no call"):
        await show_call(engine, "%")


async def test_csv_holds_every_call_and_nothing_that_a_spreadsheet_would_run(engine: AsyncEngine) -> None:
    hostile = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx", "-5", "+79161234567", 'a "b", c\nd']
    calls = [replace(CALLS[0], id=f"pbx1-{number}.0", caller=Party(name=name)) for number, name in enumerate(hostile)]
    await fill(engine, calls)
    document = "".join([piece async for piece in export.text("csv", export.batches(engine))])
    names = {row["id"]: row["caller_name"] for row in csv.DictReader(io.StringIO(document, newline=""))}
    for number, name in enumerate(hostile):
        harmless = name in ("-5", "+79161234567", 'a "b", c\nd')
        assert names[f"pbx1-{number}.0"] == (name if harmless else f"'{name}")


async def test_json_lines_hold_every_call_as_the_api_shows_it(engine: AsyncEngine) -> None:
    await fill(engine, CALLS)
    lines = "".join([piece async for piece in export.text("jsonl", export.batches(engine))]).splitlines()
    assert [json.loads(line) for line in lines] == [call.as_json() for call in NEWEST_FIRST]


async def test_an_export_comes_in_pieces_and_holds_more_than_one_page(engine: AsyncEngine) -> None:
    await fill(engine, [replace(CALLS[0], id=f"pbx1-{number}.0") for number in range(2100)])
    pieces = [piece async for piece in export.text("csv", export.batches(engine))]
    assert len(pieces) == 4
    assert "".join(pieces).count("\r\n") == 2101


async def test_an_unknown_format_is_refused_with_the_known_ones(engine: AsyncEngine) -> None:
    with pytest.raises(ValueError, match="csv, jsonl"):
        await anext(export.text("xml", export.batches(engine)))


async def test_rebuilding_gives_the_rows_that_following_gave(engine: AsyncEngine, log_path: Path) -> None:
    log_path.write_bytes(LOG)
    await follow(engine, log_path)
    followed = await everything(engine)
    await fill(engine, [replace(call, parcel="forged", status=Status.FAILED) for call in CALLS])
    done: list[tuple[int, int]] = []
    result = await rebuild(engine, log_path, progress=lambda at, total: done.append((at, total)))
    assert await everything(engine) == followed == NEWEST_FIRST
    assert (result.calls, result.files, result.skipped, result.damaged) == (48, 1, 0, ())
    assert done[-1] == (len(LOG), len(LOG))


@pytest.mark.parametrize("days", [3, -3])
async def test_rebuilding_gives_the_same_rows_as_following_where_the_clock_was_set_while_calls_were_under_way(
    engine: AsyncEngine, log_path: Path, days: int
) -> None:
    log = clock_set(LOG, days * 24 * 3600)
    for cut in (len(log) // 3, len(log) * 2 // 3, len(log)):
        log_path.write_bytes(log[:cut])
        await follow(engine, log_path)
    followed = await everything(engine)
    await rebuild(engine, log_path)
    assert await everything(engine) == followed
    assert len(followed) == len(CALLS)
    assert not [call for call in followed if call.status is Status.INTERRUPTED]


async def test_rebuilding_reads_rotated_and_compressed_files_in_order_of_time(
    engine: AsyncEngine, log_path: Path
) -> None:
    records = raw_records(LOG)
    third = len(records) // 3
    oldest, middle, newest = (b"".join(part) for part in (records[:third], records[third:-third], records[-third:]))
    (log_path.parent / "waybell.csv.2.gz").write_bytes(gzip.compress(oldest))
    (log_path.parent / "waybell.csv.1").write_bytes(middle)
    log_path.write_bytes(newest)
    result = await rebuild(engine, log_path)
    assert await everything(engine) == NEWEST_FIRST
    assert result.files == 3


async def test_rebuilding_keeps_what_the_log_does_not_reach(engine: AsyncEngine, log_path: Path) -> None:
    log_path.write_bytes(LOG)
    older = replace(CALLS[0], id="pbx1-old.0", started_at=CALLS[0].started_at - 10**12)
    elsewhere = replace(CALLS[0], id="pbx2-1.0")
    made_up = replace(CALLS[0], id="pbx1-madeup.0", started_at=CALLS[5].started_at)
    await fill(engine, [older, made_up])
    await SqlJournalStore(engine, "pbx2").save([elsewhere], [], None)
    await rebuild(engine, log_path)
    ids = {call.id for call in await everything(engine)}
    assert ids == {call.id for call in CALLS} | {"pbx1-old.0", "pbx2-1.0"}


async def test_rebuilding_keeps_the_rows_of_a_file_that_is_lost_or_damaged(engine: AsyncEngine, log_path: Path) -> None:
    records = raw_records(LOG)
    half = b"".join(records[: len(records) // 2])
    log_path.write_bytes(LOG)
    await follow(engine, log_path)
    packed = gzip.compress(half, mtime=0)
    (log_path.parent / "waybell.csv.1.gz").write_bytes(packed[: len(packed) // 2])
    log_path.write_bytes(b"".join(records[len(records) // 2 :]))
    result = await rebuild(engine, log_path)
    assert [damaged.name for damaged in result.damaged] == ["waybell.csv.1.gz"]
    assert {call.id for call in await everything(engine)} == {call.id for call in CALLS}


async def test_a_rebuild_that_breaks_off_leaves_the_old_rows(engine: AsyncEngine, log_path: Path) -> None:
    log_path.write_bytes(LOG)
    old = [replace(call, parcel="before") for call in NEWEST_FIRST]
    await fill(engine, old)

    def break_off(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rebuild(engine, log_path, progress=break_off)
    assert await everything(engine) == old


async def test_rebuilding_without_a_log_says_where_it_looked(engine: AsyncEngine, log_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(log_path)):
        await rebuild(engine, log_path)


async def test_lists_are_answered_from_an_index(engine: AsyncEngine) -> None:
    if engine.dialect.name == "sqlite":
        async with engine.connect() as connection:
            plan = await connection.execute(
                text("EXPLAIN QUERY PLAN SELECT * FROM calls ORDER BY started_at DESC, id DESC LIMIT 5")
            )
            assert "calls_started_at" in str(plan.all())


def test_what_a_caller_sent_does_not_steer_the_terminal() -> None:
    call = replace(
        fold(parse(trace("several_steps"))), caller=Party("1", "\x1b[2J[red]x", "client", "1"), parcel="\x07"
    )
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(calls_table([call]))
    console.print(call_details(call))
    shown = console.export_text()
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "�[2J[red]x" in shown
    assert "79020000012" in shown


@pytest.mark.parametrize(
    ("text_", "at"),
    [("1970-01-01", 0), ("1970-01-01T03:00+03:00", 0), ("1970-01-01T00:00:01.5Z", 1_500_000)],
)
def test_a_time_is_read_as_people_write_it(text_: str, at: int) -> None:
    assert parse_time(text_) == at


def test_a_time_that_is_none_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_time("yesterday")
