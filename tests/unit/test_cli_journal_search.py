"""``waybell journal list`` and ``export``: the filters, the formats, and names that mean harm."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from tests.loopback.search.cast import HOSTILE
from waybell.calls.values import Party, Status

from .calls.test_present import CALL
from .test_cli_journal import PROJECT, journal, keep

CALLS = [
    replace(CALL, id=f"pbx1-{number}.0", started_at=CALL.started_at + number * 1_000_000, **changes)  # type: ignore[arg-type]
    for number, changes in enumerate(
        (
            {},
            {"caller": Party("79160000002", "Зоя Ёлкина", "client", "5"), "courier": "12", "manager": "199,100"},
            {"status": Status.FAILED, "answered_by": None, "parcel": "77", "client": "9", "dialed": "500"},
        )
    )
]
STORED = [name.encode("utf-8", "backslashreplace").decode() for name in HOSTILE]


def ids(folder: Path, *arguments: str) -> list[str]:
    """Of the calls that ``list`` shows, by their last digit but one."""
    done = journal(folder, "list", "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return [call["id"] for call in json.loads(done.stdout)["calls"]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "210"),
        (("--order", "started_at"), "012"),
        (("--from", "2026-11-22T02:52:55"), "21"),
        (("--until", "2026-11-22T02:52:55"), "0"),
        (("--number", "0002"), "1"),
        (("--number", "=500"), "2"),
        (("--status", "failed"), "2"),
        (("--kind", "client"), "1"),
        (("--courier", "12"), "1"),
        (("--parcel", "77"), "2"),
        (("--client", "9"), "2"),
        (("--manager", "100"), "1"),
        (("--search", "елк"), "1"),
        (("--rating", "5"), ""),
    ],
    ids=str,
)
def test_the_list_has_every_filter(tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    keep(tmp_path, *CALLS)
    assert ids(tmp_path, *arguments) == [f"pbx1-{number}.0" for number in expected]


@pytest.mark.parametrize("command", ["list", "export"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("--order", "id; DROP TABLE calls"),
        ("--search", "--"),
        ("--number", "1 OR 1=1"),
        ("--status", "x"),
        ("--rating", "6"),
        ("--from", "yesterday"),
    ],
    ids=str,
)
def test_what_cannot_be_looked_for_is_told_with_what_can(
    tmp_path: Path, command: str, arguments: tuple[str, ...]
) -> None:
    keep(tmp_path, *CALLS)
    done = journal(tmp_path, command, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_the_list_tells_how_many_there_are_and_how_to_go_on(tmp_path: Path) -> None:
    keep(tmp_path, *CALLS)
    first = journal(tmp_path, "list", "--limit", "2")
    line = first.stdout.splitlines()[-1]
    assert line.startswith("2 of 3 calls; more: --cursor ")
    rest = journal(tmp_path, "list", "--limit", "2", "--cursor", line.split()[-1])
    assert [shown.split()[-1] for shown in rest.stdout.splitlines()[1:]] == ["pbx1-0.0"]


def test_a_workbook_goes_into_a_file_or_a_pipe(tmp_path: Path) -> None:
    keep(tmp_path, *CALLS)
    assert journal(tmp_path, "export", "--format", "xlsx", "-o", "calls.xlsx", "--courier", "12").returncode == 0
    command = [sys.executable, "-c", "from waybell.cli.app import main; main()", "journal", "export", "--format=xlsx"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    piped = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment, check=True).stdout
    for content, expected in (((tmp_path / "calls.xlsx").read_bytes(), "1"), (piped, "210")):
        book = openpyxl.load_workbook(io.BytesIO(content))
        [_, *rows] = book.active.iter_rows(values_only=True)
        assert [row[0] for row in rows] == [f"pbx1-{number}.0" for number in expected]
        book.close()


def test_hostile_names_steer_no_terminal_and_lose_nothing_in_a_file(tmp_path: Path) -> None:
    keep(tmp_path, *(replace(CALL, id=f"pbx1-{n}.0", caller=Party("1", name)) for n, name in enumerate(HOSTILE)))
    for command in (("list",), ("list", "--json"), *(("show", f"pbx1-{n}.0") for n in range(len(HOSTILE)))):
        done = journal(tmp_path, *command)
        assert done.returncode == 0
        assert not steering(done.stdout)
    names = {call["caller"]["name"] for call in json.loads(journal(tmp_path, "list", "--json").stdout)["calls"]}
    assert names == set(STORED)
    journal(tmp_path, "export", "-o", "calls.csv")
    with (tmp_path / "calls.csv").open(newline="", encoding="utf-8") as file:
        assert {row["caller_name"].removeprefix("'") for row in csv.DictReader(file)} == {
            name.removeprefix("'") for name in STORED
        }


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_export_onto_a_terminal_does_not_steer_it_and_shows_how_far_it_is(tmp_path: Path, form: str) -> None:
    keep(tmp_path, *(replace(CALL, id=f"pbx1-{n}.0", caller=Party("1", name)) for n, name in enumerate(HOSTILE)))
    out, progress = on_a_terminal(tmp_path, "export", "--format", form)
    assert not steering(out)
    assert f"exporting: {len(HOSTILE)} calls" in progress


def on_a_terminal(folder: Path, *arguments: str) -> tuple[str, str]:
    """What a command writes to two terminals, as standard output and as standard error."""
    ours, its = zip(pty.openpty(), pty.openpty(), strict=True)
    process = subprocess.Popen(
        [sys.executable, "-c", "from waybell.cli.app import main; main()", "journal", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=its[0],
        stderr=its[1],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "TERM": "xterm", "COLUMNS": "200"},
    )
    for end in its:
        os.close(end)
    texts = [read_all(end) for end in ours]
    assert process.wait(30) == 0
    return texts[0], texts[1]


def read_all(terminal: int) -> str:
    pieces: list[bytes] = []
    while True:
        try:
            pieces.append(os.read(terminal, 65536))
        except OSError:  # the other side is closed
            break
    os.close(terminal)
    return b"".join(pieces).decode()


def steering(text: str) -> list[str]:
    """The characters that a terminal might obey."""
    return [letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Cs") and letter not in "\r\n"]
