"""What is logged tells what happened, and nobody's secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from waybell.logs import set_up_logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def fail(password: str) -> None:
    raise ValueError("boom")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_shows_where_it_happened_but_no_variables(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", form)
    try:
        fail("SECRET-" + "PW")
    except ValueError as error:
        structlog.get_logger("agi").error("the handler failed", exc_info=error)
    shown = capsys.readouterr().err
    assert "ValueError: boom" in shown
    assert "in fail" in shown
    assert "SECRET-PW" not in shown


def test_json_is_one_line_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", "json")
    structlog.get_logger("agi").warning("слово", number=1)
    structlog.get_logger("agi").debug("nothing")
    [line] = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["number"]) == ("слово", "warning", 1)
    assert "слово" in line
