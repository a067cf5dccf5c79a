"""``waybell journal`` as it is typed: piped, and with a store that is not as it should be."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - loaded while root may still read where Python lies
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from waybell.calls.values import Call
from waybell.calls.writer import SqlJournalStore
from waybell.cli.app import build, main
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

from .calls.test_present import CALL, LONG

PROJECT = Path(__file__).resolve().parents[2]
COMMANDS = [("list",), ("list", "--json"), ("show", "1"), ("export",), ("rebuild",)]


def journal(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from waybell.cli.app import main; main()", "journal", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "COLUMNS": "80"},
        check=False,
    )


def keep(folder: Path, *calls: Call) -> None:
    async def write() -> None:
        engine = make_engine(f"sqlite+aiosqlite:///{folder}/waybell.db")
        await migrate(engine)
        await SqlJournalStore(engine, "pbx1").save(calls, (), None)
        await engine.dispose()

    asyncio.run(write())


def test_piped_every_call_is_one_whole_line(tmp_path: Path) -> None:
    keep(tmp_path, CALL, replace(CALL, id="pbx1-1795315974.1043"))
    done = journal(tmp_path, "list")
    assert (done.returncode, done.stderr) == (0, "")
    [_, *lines] = done.stdout.splitlines()
    assert sorted(line.split()[-1] for line in lines) == ["pbx1-1795315974.1042", "pbx1-1795315974.1043"]
    assert all(line.count(LONG) == 2 for line in lines)


def test_piped_a_reason_is_one_whole_line(tmp_path: Path) -> None:
    why = "parcel 1000017 is with courier 11, " * 20
    keep(tmp_path, replace(CALL, route=(replace(CALL.route[0], why=why.strip()),)))
    assert why.strip() in journal(tmp_path, "show", "1042").stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_store_that_is_not_there_is_one_line_and_is_not_made(command: tuple[str, ...], tmp_path: Path) -> None:
    done = journal(tmp_path, *command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"waybell: the journal cannot be used: {tmp_path}/waybell.db does not exist; run: waybell init\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_store_that_is_no_database_is_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "waybell.db").write_text("not a database, but long enough to be looked at" * 10)
    done = journal(tmp_path, *command)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("waybell: the journal cannot be used: the store says: file is not a database; ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_store_that_may_not_be_used_names_user_and_file_on_one_line(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        keep(Path(folder), CALL)
        (Path(folder) / "waybell.db").chmod(0o600)
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["waybell", "journal", *command])
        build()  # loads all of it while root may still read where Python lies
        os.seteuid(65534)
        try:
            with pytest.raises(SystemExit) as end:
                main()
        finally:
            os.seteuid(0)
            monkeypatch.undo()
    assert end.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"waybell: the journal cannot be used: user nobody may not write {folder}/waybell.db (root:")
