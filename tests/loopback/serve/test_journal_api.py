"""From the PBX's event log to the API, through a running Waybell: written, indexed, found, exported, counted."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

from tests.loopback.serve.conftest import Serve, Served
from tests.unit.calls.logbook import hour
from waybell.store.engine import make_engine
from waybell.store.tables import call_terms

CALLS = 40


async def token(served: Served, scope: str) -> dict[str, str]:
    """A header with a new token of ``scope``, made as an admin makes one."""
    code, out, error = await served.waybell.command("token", "create", f"a {scope}", "--scope", scope, "--json")
    assert code == 0, error
    return {"Authorization": f"Bearer {json.loads(out)['token']}"}


async def until(condition: Any) -> Any:
    """What ``condition`` gives once it gives something; the test's own deadline ends it."""
    while not (found := await condition()):  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.05)
    return found


async def test_what_the_pbx_logs_is_found_exported_and_counted(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "waybell.csv").write_bytes(hour(CALLS))
    async with serve() as served:
        headers = await token(served, "operator")

        async def listed(**query: str) -> dict[str, Any]:
            answer = await served.web.get("/api/v1/calls", params=query, headers=headers)
            assert answer.status_code == 200, answer.text
            document: dict[str, Any] = answer.json()
            return document

        async def all_there() -> bool:
            return bool((await listed(limit="100"))["count"]["calls"] == CALLS)

        await until(all_there)
        before = [call["id"] for call in (await listed(number="4567", limit="100"))["calls"]]
        await until(lambda: indexed(tmp_path))
        assert before
        assert [call["id"] for call in (await listed(number="4567", limit="100"))["calls"]] == before
        csv_ = await served.web.get("/api/v1/calls", params={"format": "csv"}, headers=headers)
        assert len(list(csv.DictReader(io.StringIO(csv_.text, newline="")))) == CALLS
        first = (await listed(order="started_at", limit="1"))["calls"][0]["started_at"]
        stats = await served.web.get("/api/v1/stats", params={"by": "hour", "from": first[:10]}, headers=headers)
        assert stats.json()["total"]["calls"] == CALLS
        courier = await token(served, "courier")
        assert (await served.web.get("/api/v1/calls", headers=courier)).status_code == 403


async def indexed(folder: Path) -> bool:
    engine = make_engine(f"sqlite+aiosqlite:///{folder}/waybell.db")
    try:
        async with engine.connect() as connection:
            return bool((await connection.execute(call_terms.select().limit(1))).first())
    finally:
        await engine.dispose()
