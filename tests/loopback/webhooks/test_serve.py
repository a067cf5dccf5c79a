"""A whole ``waybell serve`` with webhooks, and an event log that the test writes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from lab.receiver import Receiver, Reply
from lab.waybell_process import Waybell
from tests.loopback.serve.conftest import own_settings
from tests.unit.calls.logbook import another, trace
from waybell.store.engine import make_engine
from waybell.store.webhook_tables import webhook_places

SECRET = "a secret that nobody else knows"


def fresh(number: int) -> bytes:
    """A call of just now, in the log's own bytes."""
    made = trace("answered")
    began = int(made.split(b'"')[7].split(b".")[0])
    return another(made, number, int(time.time()) - began - 10)


def waybell(folder: Path, *urls: str) -> Waybell:
    hooks = [
        {"name": f"hook{n}", "url": url, "events": ["call.ended"], "secret": SECRET, "allow_private": True}
        for n, url in enumerate(urls)
    ]
    return Waybell(folder, own_settings(folder, 1, 1, {}), "journal,webhooks", hooks)


async def begun(folder: Path) -> None:
    engine = make_engine(f"sqlite+aiosqlite:///{folder}/waybell.db")
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    async with engine.connect() as connection:
                        if (await connection.execute(select(webhook_places))).first():
                            return
                except OperationalError:
                    pass  # not migrated yet
                await asyncio.sleep(0.05)  # a table tells nobody
    finally:
        await engine.dispose()


async def test_a_receiver_that_hangs_neither_stops_another_one_nor_waybells_end(tmp_path: Path) -> None:
    async with Receiver(lambda _: Reply(hang=True)) as hangs, Receiver() as takes:
        serving = waybell(tmp_path, hangs.url, takes.url)
        async with serving:
            await begun(tmp_path)
            (tmp_path / "waybell.csv").write_bytes(fresh(1))
            await takes.until(lambda now: now.received)
            clock = asyncio.get_running_loop().time
            began = clock()
            assert await serving.stop() == 0
            assert clock() - began < 8
        hangs.reply = lambda _: Reply()
        async with waybell(tmp_path, hangs.url, takes.url):
            await hangs.until(lambda now: now.received, 20)
    assert [one.event["id"] for one in takes.received] == [one.event["id"] for one in hangs.received]


@pytest.mark.parametrize("broken", ["http://127.0.0.1:1/", "http://nobody.invalid/", "http://169.254.169.254/"])
async def test_a_receiver_that_is_none_is_said_once_and_harms_nobody(tmp_path: Path, broken: str) -> None:
    async with Receiver() as takes:
        serving = waybell(tmp_path, broken, takes.url)
        async with serving:
            await begun(tmp_path)
            for number in range(1, 4):
                with (tmp_path / "waybell.csv").open("ab") as log:
                    log.write(fresh(number))
                await takes.until(lambda now, wanted=number: len(now.received) >= wanted)  # type: ignore[misc]
            assert serving.log_tail().count("does not take events") <= 1
            code, out, errors = await serving.command("webhooks", "list", "--json")
            assert (code, SECRET in out) == (0, False), errors
    assert "Traceback" not in serving.log_tail(200)
