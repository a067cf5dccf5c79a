"""The live feed over a log that grows, is rotated and cut: everybody hears everything, from wherever they go on."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit.calls.logbook import hour, raw_records, trace
from tests.unit.calls.test_changes import log_of, told
from waybell.calls.logs import Place, identify
from waybell.live.clients import FullError, LiveFeed
from waybell.live.feed import Bounds, Feed, Pace
from waybell.live.frames import call_frame
from waybell.live.reading import Window

HOUR = hour(40)
BOUNDS = Bounds()
PACE = Pace(look=0.002, linger=0.05, again=0.01)
WHOLE = [json.loads(call_frame(one).wire.split(b"data: ")[1]) for one in told(HOUR)]
IDS = [document["id"] for document in WHOLE]

Place_ = Callable[[], Any]


async def nothing_known() -> Place | None:
    return None


@asynccontextmanager
async def live(path: Path, bounds: Bounds = BOUNDS, place: Place_ = nothing_known) -> AsyncIterator[LiveFeed]:
    feed = LiveFeed(Feed(path, place, pace=PACE, bounds=bounds), tick=0.01, heartbeat=0.05)
    try:
        yield feed
    finally:
        await feed.close()


class Heard:
    """What came over a stream: types, ids of events and of what they tell."""

    def __init__(self) -> None:
        self.wire = b""

    def events(self) -> list[tuple[str, str, dict[str, Any]]]:
        found = []
        for block in self.wire.decode().split("\n\n"):
            parts = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if parts:
                found.append((parts["event"], parts.get("id", ""), json.loads(parts["data"])))
        return found

    def told(self) -> list[str]:
        return [data["id"] for type_, _, data in self.events() if type_.startswith("call.")]

    def types(self) -> list[str]:
        return [type_ for type_, _, _ in self.events()]


async def hear(
    feed: LiveFeed, last: str, until: Callable[[Heard], object], begun: asyncio.Event | None = None
) -> Heard:
    """A client that goes away once ``until`` is true of what it has heard; ``begun`` is set when something has come."""
    heard = Heard()
    feed.enter()
    try:
        async with asyncio.timeout(20), aclosing(feed.stream(last)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                heard.wire += piece
                if begun:
                    begun.set()
                if until(heard):
                    break
    finally:
        feed.leave()
    return heard


def write(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


async def grow(path: Path, records: list[bytes], every: int, change: Callable[[int], None] = lambda _: None) -> None:
    for number in range(0, len(records), every):
        write(path, b"".join(records[number : number + every]))
        change(number)
        await asyncio.sleep(0.004)


async def test_what_happens_is_heard_in_order_and_once(tmp_path: Path) -> None:
    path = tmp_path / "waybell.csv"
    async with live(path) as feed:
        begun = asyncio.Event()
        hearing = asyncio.create_task(hear(feed, "", lambda now: IDS[-1].encode() in now.wire, begun))
        await begun.wait()
        await grow(path, raw_records(HOUR), 7)
        heard = await hearing
    assert heard.types()[0] == "snapshot"
    assert heard.told() == IDS
    assert [data for type_, _, data in heard.events() if type_.startswith("call.")] == WHOLE


async def test_who_goes_on_behind_any_event_hears_all_that_followed_from_the_log(tmp_path: Path) -> None:
    path = tmp_path / "waybell.csv"
    write(path, HOUR)
    events = told(HOUR)
    async with live(path) as feed:
        for number in range(0, len(events) - 1, 7):
            _, last, _ = event_of(call_frame(events[number]).wire)
            heard = await hear(feed, last, lambda now: IDS[-1].encode() in now.wire or b"snapshot" in now.wire)
            assert heard.told() == IDS[number + 1 :], number
            assert "snapshot" not in heard.types()


def event_of(wire: bytes) -> tuple[str, str, dict[str, Any]]:
    heard = Heard()
    heard.wire = wire
    return heard.events()[0]


@pytest.mark.parametrize("ring", [4000, 3])
async def test_a_client_that_comes_and_goes_while_the_log_is_rotated_misses_nothing(tmp_path: Path, ring: int) -> None:
    path = tmp_path / "waybell.csv"
    records = raw_records(HOUR)

    def rotate(number: int) -> None:
        if number in (98, 203, 301):
            for older in sorted(tmp_path.glob("waybell.csv.?*"), reverse=True):
                older.rename(tmp_path / f"waybell.csv.{int(older.suffix[1:]) + 1}")
            path.rename(tmp_path / "waybell.csv.1")
        if number == 350:
            oldest = tmp_path / "waybell.csv.3"
            (tmp_path / "waybell.csv.3.gz").write_bytes(gzip.compress(oldest.read_bytes()))
            oldest.unlink()

    write(path, b"".join(records[:7]))
    async with live(path, Bounds(events=ring)) as feed:
        first = await hear(feed, "", lambda now: now.events())
        growing = asyncio.create_task(grow(path, records[7:], 7, rotate))
        seen, last = [], first.events()[-1][1]
        while IDS[-1] not in seen:
            heard = await hear(feed, last, lambda now: len(now.events()) >= 5 or IDS[-1].encode() in now.wire)
            assert "reset" not in heard.types(), heard.events()[:1]
            seen += heard.told()
            last = heard.events()[-1][1] if heard.events() else last
            await asyncio.sleep(0.01)
        await growing
    before = [one.change.id for one in told(b"".join(records[:7]))]
    assert seen == IDS[len(before) :]


async def test_a_client_hears_of_calls_that_were_under_way_when_it_came(tmp_path: Path) -> None:
    path, records = tmp_path / "waybell.csv", raw_records(trace("several_steps"))
    write(path, b"".join(records[:20]))
    async with live(path) as feed:
        heard = await hear(feed, "", lambda now: now.events())
        ((type_, last, data),) = heard.events()
        assert (type_, [call["status"] for call in data["calls"]]) == ("snapshot", ["in_progress"])
        write(path, b"".join(records[20:]))
        heard = await hear(feed, last, lambda now: b"call.ended" in now.wire)
        assert all(data["complete"] for _, _, data in heard.events())
        assert heard.types()[-1] == "call.ended"


@pytest.mark.parametrize(
    "last",
    ["1.1.1.1.1", "x", "1763768204854863", "0.0.0.0.1.", "9" * 16 + ".9.9.9.9", "-1.2.3.4.5", "１.1.1.1.1"],
)
async def test_a_place_that_cannot_be_gone_on_from_says_so_and_begins_anew(tmp_path: Path, last: str) -> None:
    path = tmp_path / "waybell.csv"
    write(path, HOUR)
    async with live(path) as feed:
        heard = await hear(feed, last, lambda now: "snapshot" in now.types())
        assert heard.types() == ["reset", "snapshot"]


async def test_who_came_before_there_was_a_log_hears_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "waybell.csv"
    async with live(path) as feed:
        heard = await hear(feed, "", lambda now: now.events())
    ((_, last, _),) = heard.events()
    write(path, HOUR)
    async with live(path) as feed:
        heard = await hear(feed, last, lambda now: IDS[-1].encode() in now.wire)
        assert heard.told() == IDS


async def test_who_heard_a_quicker_waybell_hears_nothing_twice(tmp_path: Path) -> None:
    """Its last event is in the log, and this feed has not come so far."""
    path, events = tmp_path / "waybell.csv", told(HOUR)
    number = len(events) // 2
    place = events[number].place.offset
    write(path, HOUR[: place - 40])
    async with live(path) as feed:
        assert (await hear(feed, "", lambda now: now.events())).types() == ["snapshot"]
        write(path, HOUR[place - 40 :])  # not looked at before the client below has come
        last = event_of(call_frame(events[number]).wire)[1]
        heard = await hear(feed, last, lambda now: IDS[-1].encode() in now.wire)
        assert heard.told() == IDS[number + 1 :]


async def test_a_place_behind_the_end_of_the_log_is_none(tmp_path: Path) -> None:
    path, log = tmp_path / "waybell.csv", log_of(HOUR)
    write(path, HOUR)
    async with live(path) as feed:
        forged = f"{log.first_at}.{len(HOUR) + 1}.1.{log.first_at}.0"
        heard = await hear(feed, forged, lambda now: "snapshot" in now.types())
        assert heard.types() == ["reset", "snapshot"]


async def test_a_place_too_far_back_is_not_read_from(tmp_path: Path) -> None:
    path = tmp_path / "waybell.csv"
    write(path, HOUR)
    window = Window(before=1000, behind=len(HOUR) // 2)
    early, late = told(HOUR)[3], told(HOUR)[-10]
    async with live(path, Bounds(window=window)) as feed:
        heard = await hear(feed, event_of(call_frame(early).wire)[1], lambda now: "snapshot" in now.types())
        assert heard.types() == ["reset", "snapshot"]
        heard = await hear(feed, event_of(call_frame(late).wire)[1], lambda now: IDS[-1].encode() in now.wire)
        assert heard.told()[-1] == IDS[-1]


async def test_a_client_that_does_not_read_is_let_go_and_the_others_hear_all(tmp_path: Path) -> None:
    path = tmp_path / "waybell.csv"
    async with live(path, Bounds(events=20)) as feed:
        feed.enter()
        slow = feed.stream()
        wire = await anext(slow)
        begun = asyncio.Event()
        hearing = asyncio.create_task(hear(feed, "", lambda now: IDS[-1].encode() in now.wire, begun))
        await begun.wait()
        await grow(path, raw_records(HOUR), 7)
        heard = await hearing
        assert heard.told() == IDS
        async for piece in slow:  # it wakes up, and the stream is over
            wire += piece
        assert IDS[-1].encode() not in wire
        feed.leave()


async def test_the_log_is_followed_only_while_somebody_looks(tmp_path: Path) -> None:
    path = tmp_path / "waybell.csv"
    write(path, HOUR)
    async with live(path) as feed:
        runs = [feed.running]
        for _ in range(2):
            await hear(feed, "", lambda now: now.events())
            runs.append(feed.running)
            async with asyncio.timeout(5):
                while feed.running:  # noqa: ASYNC110 -- nobody is told
                    await asyncio.sleep(0.01)
    assert runs == [False, True, True]


async def test_a_quiet_stream_has_a_heartbeat(tmp_path: Path) -> None:
    async with live(tmp_path / "waybell.csv") as feed:
        await hear(feed, "", lambda now: now.wire.count(b"\n: ") >= 2)


async def test_no_more_clients_than_may_look(tmp_path: Path) -> None:
    async with live(tmp_path / "waybell.csv", Bounds(clients=2)) as feed:
        feed.enter()
        feed.enter()
        with pytest.raises(FullError):
            feed.enter()
        feed.leave()
        feed.enter()


async def test_every_stream_ends_when_the_feed_is_closed(tmp_path: Path) -> None:
    async with live(tmp_path / "waybell.csv") as feed:
        streams = [asyncio.create_task(hear(feed, "", lambda _: False)) for _ in range(3)]
        await asyncio.sleep(0.05)
        await feed.close()
        async with asyncio.timeout(5):
            await asyncio.gather(*streams)


async def test_a_log_that_cannot_be_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "waybell.csv"
    path.mkdir()  # not a file
    async with live(path) as feed:
        hearing = asyncio.create_task(hear(feed, "", lambda now: IDS[-1].encode() in now.wire))
        await asyncio.sleep(0.05)
        path.rmdir()
        await grow(path, raw_records(HOUR), 40)
        heard = await hearing
    assert heard.types()[0] == "snapshot"


async def test_the_store_says_from_where_calls_under_way_are_known(tmp_path: Path) -> None:
    """Without it the window before the log's end would hold the call's end only."""
    path, records = tmp_path / "waybell.csv", raw_records(trace("several_steps"))
    half = b"".join(records[:20])
    write(path, half)
    log = identify(half[:600])
    assert log is not None

    async def from_the_store() -> Place:
        assert log is not None
        return Place(log, 0)

    async def broken() -> Place | None:
        raise OSError("the store is down")

    for place, complete in ((from_the_store, True), (broken, False)):
        size = len(half) if complete else 1000
        async with live(path, Bounds(window=Window(before=size)), place) as feed:
            heard = await hear(feed, "", lambda now: now.events())
            ((_, _, data),) = heard.events()
            assert (data["calls"][0]["caller"]["number"] is not None) is complete
