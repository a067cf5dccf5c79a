"""``waybell forget`` beside a Waybell that runs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.loopback.serve.conftest import Serve
from tests.loopback.serve.test_journal_api import CALLS, token, until
from tests.unit.calls.logbook import hour

CALLER = "79161234567"


async def test_a_person_goes_from_what_is_found_while_waybell_runs(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "waybell.csv").write_bytes(hour(CALLS))
    (tmp_path / "monitor").mkdir()
    async with serve(recordings={"url": f"file://{tmp_path}/monitor"}) as served:
        headers = await token(served, "operator")

        async def calls(**query: str) -> int:
            answer = await served.web.get("/api/v1/calls", params=query, headers=headers)
            return int(answer.json()["count"]["calls"])

        async def all_there() -> bool:
            return await calls() == CALLS

        await until(all_there)
        theirs = await calls(number=CALLER)
        assert theirs > 0
        code, _, errors = await served.waybell.command("forget", "8 (916) 123-45-67")
        assert code == 1, "nobody said yes"
        assert await calls(number=CALLER) == theirs
        code, out, errors = await served.waybell.command("forget", "8 (916) 123-45-67", "--yes", "--json")
        assert code == 0, errors
        document = json.loads(out)
        assert (document["number"], document["erased"]["calls"]) == (CALLER, theirs)
        assert (await calls(number=CALLER), await calls()) == (0, CALLS)
        code, _, errors = await served.waybell.command("forget", "nobody", "--yes")
        assert (code, "no telephone number" in errors) == (2, True)


async def test_a_place_of_recordings_that_is_away_hinders_nothing_where_nothing_was_recorded(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "waybell.csv").write_bytes(b"")
    async with serve(recordings={"url": "ftp://nobody@127.0.0.1:1/"}) as served:
        code, out, errors = await served.waybell.command("forget", CALLER, "--yes", "--json")
        assert code == 0, errors
        assert json.loads(out)["erased"]["recordings"] == 0
