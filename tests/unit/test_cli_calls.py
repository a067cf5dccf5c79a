"""``waybell explain`` and ``waybell identify`` as an admin runs them, on a small CRM in SQLite."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from waybell.cli.app import main
from waybell.people.demo import create_demo_crm

VERA = "79161000002"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    crm = tmp_path / "crm.db"
    create_demo_crm(crm)
    file = tmp_path / "waybell.toml"
    file.write_text(f"[crm]\nurl = 'sqlite+aiosqlite:///{crm}'\n[calls]\ncompany_number = '74951234567'\n")
    return file


def change(config: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(config.with_name("crm.db"))) as database, database:
        database.execute(statement, values)


def told(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["waybell", *arguments, "--config", str(config)])
    with pytest.raises(SystemExit) as end:
        main()
    captured = capsys.readouterr()
    assert end.value.code in (None, 0), captured.err
    return captured.out


def steps(branch: dict[str, Any]) -> list[dict[str, Any]]:
    return [branch, *(step for then in branch["then"] for step in steps(then))]


@pytest.mark.parametrize("at", ["2026-11-21T18:00+03:00", "2026-11-21T15:00:00Z"])
def test_the_time_of_an_explained_call_can_be_given(
    at: str, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(told(config, monkeypatch, capsys, "explain", VERA, "--at", at, "--json"))
    assert document["at"] == "2026-11-21T15:00:00+00:00"


def test_a_time_that_is_none_is_refused_with_an_example(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["waybell", "explain", VERA, "--at", "noon", "--config", str(config)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "2026-11-21T18:00+03:00" in capsys.readouterr().err.replace("\n", "")


@pytest.mark.parametrize("command", ["identify", "explain"])
def test_what_a_crm_holds_never_steers_the_terminal(
    command: str, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eИван [bold]x[/bold]"
    change(config, "UPDATE users SET name = ?", evil)
    change(config, "UPDATE kurier SET name = ?, phonem = ?", evil, evil)
    out = told(config, monkeypatch, capsys, command, VERA)
    assert [letter for letter in out if not letter.isprintable() and letter != "\n"] == []
    assert "[bold]x[/bold]" in out


def test_a_caller_who_shows_an_extension_is_explained_as_the_call_would_go(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(told(config, monkeypatch, capsys, "explain", "199", "--json"))
    assert document["route"]["args"] == ["PJSIP/500", "25", "", "снаружи 199"]


def test_a_number_that_may_not_be_dialled_is_explained(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change(config, "UPDATE kurier SET phonem = ?", "+7 809 123-45-67")
    out = told(config, monkeypatch, capsys, "explain", "79161000001")
    assert "courier 11: +78091234567 may not be dialled: premium rate → no_number" in " ".join(out.split())


def test_a_country_that_the_settings_allow_is_dialled(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change(config, "UPDATE kurier SET phonem = ?", "+44 20 7946 0958")
    monkeypatch.setenv("WAYBELL_CALLS__COUNTRIES", "RU, 44")
    document = json.loads(told(config, monkeypatch, capsys, "explain", "79161000001", "--json"))
    assert document["route"]["args"][0] == "PJSIP/442079460958@trunk"


def test_nine_couriers_are_explained_as_they_are_offered(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "Константинопольский Александр Владимирович"
    for n in range(200, 206):
        code, phone = str(n), f"79010000{n}"
        change(config, "INSERT INTO kurier (code, name, phonem, manager) VALUES (?, ?, ?, 1)", code, name, phone)
        change(config, "INSERT INTO address (code, zakaz, name) VALUES (?, 1001, 'Вера')", code)
        change(config, "INSERT INTO givn (code, address, kurier, State) VALUES (?, ?, ?, 1)", code, code, code)
        change(config, "INSERT INTO contacts (id, Source, SourceCodeType, VALUE) VALUES (?, ?, 3, ?)", code, code, VERA)
    document = json.loads(told(config, monkeypatch, capsys, "explain", VERA, "--json"))
    keys = [step for step in steps(document["route"]) if step["on"] and step["on"][0].isdigit()]
    assert [step["on"] for step in keys] == [[str(key)] for key in range(1, 10)]
    assert keys[8]["args"][0] == "PJSIP/79010000205@trunk"
    assert {step["problem"] for step in steps(document["route"])} == {""}
