"""What a running Waybell says of itself, and that one part's trouble is not another's."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lab.waybell_process import free_port
from tests.loopback.serve.conftest import Serve, ask_agi
from tests.unit.calls.logbook import trace


def refused_url() -> str:
    """A database where nobody listens."""
    return f"mysql+asyncmy://waybell:secret@127.0.0.1:{free_port()}/waybell"


def sample(metrics: str, name: str) -> float | None:
    """The value of a metric without labels."""
    found = re.search(rf"^{name} (\S+)$", metrics, re.MULTILINE)
    return float(found[1]) if found else None


async def test_it_is_live_and_ready_once_every_part_can_do_its_work(serve: Serve) -> None:
    async with serve() as served:
        live = await served.web.get("/health/live")
        assert (live.status_code, live.json()) == (200, {"status": "live"})
        await served.until(lambda said: said["ready"])
        ready = await served.web.get("/health/ready")
        assert (ready.status_code, ready.json()["parts"]) == (200, {"journal": True, "crm": True})


async def test_without_its_store_it_is_not_ready_and_calls_are_routed_all_the_same(serve: Serve) -> None:
    async with serve(store={"url": refused_url()}) as served:
        await served.until(lambda said: "crm" in str(said))
        answer = await served.web.get("/health/ready")
        assert (answer.status_code, answer.json()["parts"]) == (503, {"journal": False, "crm": True})
        assert (await ask_agi(served.agi_port)).startswith(b"SET VARIABLE")
        metrics = (await served.web.get("/metrics")).text
        assert sample(metrics, "waybell_journal_up") == 0
        assert sample(metrics, "waybell_journal_lag_bytes") is None, "nobody knows"
        assert await served.waybell.stop() == 0


async def test_without_its_crm_it_is_not_ready_and_says_which_part_is_not(serve: Serve) -> None:
    async with serve(crm={"url": refused_url()}) as served:
        await served.until(lambda said: said["parts"] == {"journal": True, "crm": False})
        assert (await served.web.get("/health/ready")).status_code == 503
        assert sample((await served.web.get("/metrics")).text, "waybell_crm_up") == 0
        assert (await ask_agi(served.agi_port)).startswith(b"SET VARIABLE")


async def test_metrics_tell_how_every_part_is_doing(serve: Serve, tmp_path: Path) -> None:
    async with serve() as served:
        await served.until(lambda said: said["ready"])
        await ask_agi(served.agi_port)
        (tmp_path / "waybell.csv").write_bytes(trace("busy"))
        wanted = {
            "waybell_agi_decided_total": 1,
            "waybell_crm_up": 1,
            "waybell_journal_up": 1,
            "waybell_journal_lag_bytes": 0,
            "waybell_journal_waiting_calls": 0,
        }
        while (await calls_in(tmp_path)) < 1:  # noqa: ASYNC110 -- another process writes it
            await asyncio.sleep(0.02)
        metrics = await served.web.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain")
        assert {name: sample(metrics.text, name) for name in wanted} == wanted


async def calls_in(folder: Path) -> int:
    """How many calls the store has."""
    with closing(sqlite3.connect(folder / "waybell.db")) as database:
        return int(database.execute("SELECT count(*) FROM calls").fetchone()[0])


async def test_a_store_of_a_newer_waybell_is_told_in_one_line_and_calls_are_routed_all_the_same(
    serve: Serve, tmp_path: Path
) -> None:
    async with serve() as served:
        await served.until(lambda said: said["ready"])
        await served.waybell.stop()
        with closing(sqlite3.connect(tmp_path / "waybell.db")) as database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            database.commit()
        served.waybell.log_path.unlink()
        await served.waybell.start()
        await served.until(lambda said: said["parts"] == {"journal": False, "crm": True})
        assert (await ask_agi(served.agi_port)).startswith(b"SET VARIABLE")
        for command in (("journal", "list"), ("journal", "rebuild"), ("check",)):
            code, output, errors = await served.waybell.command(*command)
            assert code == 1
            assert "the store was made by a newer Waybell" in output + errors
            assert "Traceback" not in output + errors
        log = served.waybell.log_tail()
    assert [("newer Waybell" in line) for line in log.splitlines() if "[error" in line] == [True]
    assert "Traceback" not in log


async def test_a_log_that_may_not_be_read_is_trouble_of_the_journals(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "waybell.csv").mkdir()
    async with serve() as served:
        await served.until(lambda said: said["parts"] == {"journal": False, "crm": True})
        (tmp_path / "waybell.csv").rmdir()
        await served.until(lambda said: said["ready"])


@pytest.mark.parametrize("path", ["/", "/openapi.json"])
async def test_it_says_what_it_is(serve: Serve, path: str) -> None:
    async with serve() as served:
        answer = await served.web.get(path)
        assert answer.status_code == 200
        assert "Waybell" in answer.text
