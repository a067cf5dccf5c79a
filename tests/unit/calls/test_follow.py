from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.calls.logbook import hour, raw_records
from waybell.calls.follow import Follower
from waybell.calls.logs import Place, after, identify, logs_of

RECORDS = raw_records(hour(8))


class Writer:
    """Writes as Asterisk does: opens the file anew for every record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = b""
        self._next = 0

    def write(self, records: int = 1, *, half: bool = False) -> None:
        for _ in range(records):
            record = RECORDS[self._next]
            self._next += 1
            self.raw(record[: len(record) // 2] if half else record)

    def finish_half(self) -> None:
        record = RECORDS[self._next - 1]
        self.raw(record[len(record) // 2 :])

    def raw(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)
        self.written += data


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "waybell.csv"


@pytest.fixture
def writer(path: Path) -> Writer:
    return Writer(path)


Follow = Callable[..., Follower]


@pytest.fixture
def follow(path: Path) -> Iterator[Follow]:
    """``follow(place)``: a follower of the log, closed after the test."""
    made: list[Follower] = []

    def make(place: Place | None = None, size: int = 128 * 1024) -> Follower:
        made.append(Follower(path, place, size=size))
        return made[-1]

    yield make
    for follower in made:
        follower.close()


def read(follower: Follower, polls: int = 4) -> bytes:
    """Everything that comes until nothing has come for some polls."""
    data, idle = b"", 0
    while idle < polls:
        chunk = follower.poll()
        idle = 0 if chunk else idle + 1
        data += chunk.data if chunk else b""
    return data


def squeeze(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


def test_what_is_written_comes_once_and_in_order(path: Path, writer: Writer, follow: Follow) -> None:
    follower = follow(size=100)
    data = b""
    for _ in range(10):
        writer.write(3)
        data += read(follower)
    assert data == writer.written


def test_a_log_that_is_not_there_yet_is_waited_for(path: Path, writer: Writer, follow: Follow) -> None:
    follower = follow()
    assert follower.poll() is None
    writer.write()
    assert read(follower) == writer.written


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path, follow: Follow) -> None:
    path = tmp_path / "cel-custom" / "waybell.csv"
    follower = Follower(path, None)
    assert follower.poll() is None
    path.parent.mkdir()
    path.write_bytes(RECORDS[0])
    assert read(follower) == RECORDS[0]
    follower.close()


def test_a_renamed_log_is_finished_before_the_new_one_begins(path: Path, writer: Writer, follow: Follow) -> None:
    follower = follow()
    writer.write(2)
    first = read(follower)
    writer.write(2)
    path.rename(path.with_name("waybell.csv.1"))
    writer.write(2)
    assert first + read(follower) == writer.written


def test_a_record_that_comes_after_the_renaming_through_an_open_descriptor_is_not_lost(
    path: Path, writer: Writer, follow: Follow
) -> None:
    writer.write()
    follower = follow()
    data = read(follower)
    with path.open("ab") as held:
        path.rename(path.with_name("waybell.csv.1"))
        path.write_bytes(RECORDS[3])
        assert follower.poll() is None  # the new one is seen, the old one is given one more look
        held.write(RECORDS[2])
        held.flush()
        data += read(follower)
    assert data == RECORDS[0] + RECORDS[2] + RECORDS[3]


def test_a_log_that_is_renamed_and_not_made_anew_is_waited_for(path: Path, writer: Writer, follow: Follow) -> None:
    writer.write(2)
    follower = follow()
    data = read(follower)
    path.rename(path.with_name("waybell.csv.1"))
    assert read(follower) == b""
    writer.write()
    assert data + read(follower) == writer.written


@pytest.mark.parametrize("pack", [False, True])
def test_several_rotations_while_we_were_down_are_read_in_order(
    path: Path, writer: Writer, pack: bool, follow: Follow
) -> None:
    follower = follow()
    writer.write(3)
    first = follower.poll()
    assert first is not None
    follower.close()
    writer.write(2)
    for day in ("20261121", "20261122", "20261123"):
        rotated = path.rename(path.with_name(f"waybell.csv-{day}"))
        if pack:
            squeeze(rotated)
        writer.write(4)
    again = follow(Place(first.log, len(first.data)))
    assert first.data + read(again) == writer.written


def test_numbered_rotation_is_read_in_the_order_of_time_not_of_names(
    path: Path, writer: Writer, follow: Follow
) -> None:
    for _ in range(12):
        writer.write(2)
        for number in range(12, 0, -1):
            old = path.with_name(f"waybell.csv.{number}")
            if old.exists():
                old.rename(path.with_name(f"waybell.csv.{number + 1}"))
        path.rename(path.with_name("waybell.csv.1"))
    writer.write(2)
    assert read(follow()) == writer.written


def test_a_log_that_is_copied_and_truncated_is_finished_in_its_copy(path: Path, writer: Writer, follow: Follow) -> None:
    writer.write(2)
    follower = follow()
    data = read(follower)
    writer.write(2)
    shutil.copy(path, path.with_name("waybell.csv.1"))
    os.truncate(path, 0)
    writer.write(1)
    assert data + read(follower) == writer.written


def test_a_log_truncated_and_grown_beyond_our_place_is_noticed(path: Path, writer: Writer, follow: Follow) -> None:
    writer.write(2)
    follower = follow()
    data = read(follower)
    shutil.copy(path, path.with_name("waybell.csv.1"))
    os.truncate(path, 0)
    writer.write(20)
    assert data + read(follower) == writer.written


def test_a_new_log_with_the_inode_of_the_old_is_not_taken_for_it(path: Path, writer: Writer, follow: Follow) -> None:
    writer.write(2)
    follower = follow()
    first = follower.poll()
    assert first is not None
    follower.close()
    rotated = path.with_name("waybell.csv.1")
    shutil.copy(path, rotated)
    os.truncate(path, 0)  # the same inode, another log
    writer.write(20)
    again = follow(Place(first.log, len(first.data)))
    assert first.data + read(again) == writer.written


def test_a_first_line_that_is_half_written_is_waited_for(path: Path, writer: Writer, follow: Follow) -> None:
    follower = follow()
    writer.write(half=True)
    assert follower.poll() is None
    writer.finish_half()
    assert read(follower) == writer.written


def test_a_place_whose_file_is_gone_goes_on_with_what_was_begun_later(
    path: Path, writer: Writer, follow: Follow
) -> None:
    writer.write(4)
    first = follow().poll()
    assert first is not None
    path.unlink()
    writer.write(4)
    later = writer.written[len(first.data) :]
    assert read(follow(Place(first.log, 100))) == later


def test_a_pbx_whose_clock_was_set_back_does_not_stop_the_journal(path: Path, follow: Follow) -> None:
    path.write_bytes(RECORDS[-1])
    follower = follow()
    data = read(follower)
    path.rename(path.with_name("waybell.csv.1"))
    path.write_bytes(RECORDS[0])
    assert data + read(follower) == RECORDS[-1] + RECORDS[0]


def test_a_copy_of_a_file_is_not_read_twice(path: Path, writer: Writer, follow: Follow) -> None:
    writer.write(5)
    rotated = path.rename(path.with_name("waybell.csv.1"))
    rotated.with_name("waybell.csv.1.gz").write_bytes(gzip.compress(rotated.read_bytes()))
    writer.write(5)
    assert read(follow()) == writer.written


def test_a_damaged_compressed_file_does_not_stop_the_journal(path: Path, writer: Writer, follow: Follow) -> None:
    writer.write(9)
    packed = squeeze(path.rename(path.with_name("waybell.csv.1")))
    packed.write_bytes(packed.read_bytes()[:-40])
    later = Writer(path)
    later.write(5)
    assert read(follow()).endswith(later.written)


def test_the_way_to_a_place_in_a_compressed_file_is_made_in_steps(
    path: Path, writer: Writer, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waybell.calls.follow._STEP", 1000)
    writer.write(20)
    first = follow(size=4500).poll()
    assert first is not None
    assert len(first.data) == 4500
    squeeze(path.rename(path.with_name("waybell.csv.1")))
    writer.write(2)
    again = follow(Place(first.log, len(first.data)))
    steps = []
    while (chunk := again.poll()) and not chunk.data:
        assert chunk.more
        steps.append(chunk)
    assert chunk is not None
    assert len(steps) == 5
    assert first.data + chunk.data + read(again) == writer.written


@pytest.mark.parametrize("cut", [10, 400])
def test_a_place_behind_the_end_of_a_damaged_compressed_file_is_left_for_the_next_file(
    path: Path, writer: Writer, follow: Follow, cut: int
) -> None:
    writer.write(20)
    first = follow().poll()
    assert first is not None
    packed = squeeze(path.rename(path.with_name("waybell.csv.1")))
    packed.write_bytes(packed.read_bytes()[:-cut])
    writer.write(5)
    assert first.data + read(follow(Place(first.log, len(first.data)))) == writer.written


def test_how_far_it_is_behind_counts_every_file_that_is_left(path: Path, writer: Writer, follow: Follow) -> None:
    follower = follow(size=100)
    assert follower.behind() == 0
    writer.write(2)
    path.rename(path.with_name("waybell.csv.1"))
    writer.write(3)
    assert follower.behind() == len(writer.written)
    follower.poll()
    assert follower.behind() == len(writer.written) - 100
    read(follower)
    assert follower.behind() == 0
    writer.write()
    assert follower.behind() == len(RECORDS[5])


def test_a_chunk_says_whether_more_is_there(path: Path, writer: Writer, follow: Follow) -> None:
    writer.write(1)
    follower = follow(size=len(writer.written) - 1)
    assert [(chunk := follower.poll()) and chunk.more for _ in range(3)] == [True, False, None]


def test_files_that_are_no_logs_are_left_alone(path: Path, writer: Writer, follow: Follow) -> None:
    writer.write(2)
    path.with_name("waybell.csv.d").mkdir()
    path.with_name("waybell.csv.gz").write_bytes(b"no gzip at all")
    path.with_name("waybell-notes.csv").write_bytes(RECORDS[7])
    path.with_name("other.csv.1").write_bytes(RECORDS[7])
    path.with_name("waybell.csv.empty").write_bytes(b"")
    assert read(follow()) == writer.written


def test_both_ways_of_naming_rotated_logs_are_known(path: Path, writer: Writer, follow: Follow) -> None:
    for name in ("waybell-20261121.csv", "waybell.csv-20261122", "waybell.csv.1"):
        writer.write(2)
        path.rename(path.with_name(name))
    squeeze(path.with_name("waybell-20261121.csv"))
    writer.write(1)
    assert len(logs_of(path)) == 4
    assert read(follow()) == writer.written


def test_a_log_that_may_not_be_read_is_an_error_and_can_be_tried_again(path: Path, follow: Follow) -> None:
    path.mkdir()
    follower = follow()
    with pytest.raises(OSError, match="directory"):
        follower.poll()
    path.rmdir()
    path.write_bytes(RECORDS[0])
    assert read(follower) == RECORDS[0]


def test_a_file_is_known_by_its_first_line_however_long_the_rest_grows() -> None:
    assert identify(RECORDS[0]) == identify(RECORDS[0] + RECORDS[1])
    assert identify(RECORDS[0]) != identify(RECORDS[1])
    assert identify(RECORDS[0][:-1]) is None
    assert identify(b"x" * 512) == identify(b"x" * 9000)


def test_without_a_place_everything_is_read_from_the_oldest_on(path: Path, writer: Writer) -> None:
    writer.write()
    path.rename(path.with_name("waybell.csv.1"))
    writer.write()
    assert [offset for _, offset in after(logs_of(path), None)] == [0, 0]
