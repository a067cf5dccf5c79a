"""A company that places calls, and a client of its HTTP API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from lab.asterisk import Asterisk
from lab.stack import Stack, running_stack
from lab.waybell_process import Section
from waybell.people.demo import COMPANY_NUMBER
from waybell.prompts import make_prompts

PARTS = "agi,journal,ari,web"
ALL_DAY: dict[str, Section] = {
    "calls": {"company_number": COMPANY_NUMBER, "ring_seconds": 2},
    "callbacks": {"hours_from": "00:00", "hours_until": "24:00", "confirm_seconds": 3},
}
FINAL = ("done", "failed")


@dataclass(frozen=True, slots=True)
class Client:
    """Whoever holds a token. Answers are ``httpx2.Response``; errors are not raised."""

    http: httpx2.AsyncClient

    async def place(self, key: str, **body: str) -> httpx2.Response:
        """``POST /callbacks``."""
        return await self.http.post("/callbacks", json=body, headers={"Idempotency-Key": key})

    async def placed(self, key: str, **body: str) -> str:
        """The id of a callback that was accepted."""
        answer = await self.place(key, **body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def look(self, callback_id: str) -> dict[str, Any]:
        """``GET /callbacks/{id}``."""
        answer = await self.http.get(f"/callbacks/{callback_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def until(self, callback_id: str, *statuses: str, deadline: float = 10.0) -> dict[str, Any]:
        """The callback once it has one of ``statuses``."""
        seen: list[str] = []
        try:
            async with asyncio.timeout(deadline):
                while True:
                    found = await self.look(callback_id)
                    if found["status"] in statuses:
                        return found
                    seen.append(found["status"])
                    await asyncio.sleep(0.02)  # the API has no event for it
        except TimeoutError:
            raise TimeoutError(f"{callback_id} was never {statuses}, but {list(dict.fromkeys(seen))}") from None


@dataclass(frozen=True, slots=True)
class CallingStack:
    """``app`` is the couriers' app server, ``desk`` an operator's software, ``admin`` may all."""

    stack: Stack
    app: Client
    desk: Client
    admin: Client


@asynccontextmanager
async def calling_stack(
    directory: Path, *, changes: Mapping[str, Section] | None = None, pbx: Asterisk | None = None, only: str = PARTS
) -> AsyncIterator[CallingStack]:
    """All of it, ready to place calls at any hour; ``changes`` as for :func:`~lab.stack.running_stack`."""
    settings = {section: dict(keys) for section, keys in ALL_DAY.items()}
    for section, keys in (changes or {}).items():
        settings[section] = {**settings.get(section, {}), **keys}
    async with running_stack(directory, changes=settings, pbx=pbx, only=only) as stack:
        make_prompts(stack.pbx.sounds_dir, ("ru",))
        async with (
            client(stack, "courier") as app,
            client(stack, "operator") as desk,
            client(stack, "admin") as admin,
        ):
            await until_connected(admin)
            yield CallingStack(stack, app, desk, admin)


@asynccontextmanager
async def client(stack: Stack, scope: str, *options: str) -> AsyncIterator[Client]:
    """Somebody with a new token of ``scope``."""
    name = f"{scope}-{len(options)}-{id(options)}"
    code, out, errors = await stack.waybell.command("token", "create", name, "--scope", scope, *options, "--json")
    assert code == 0, errors
    headers = {"Authorization": f"Bearer {json.loads(out)['token']}"}
    url = f"http://{stack.web_listen}/api/v1"
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=10.0) as http:
        yield Client(http)


async def until_connected(anybody: Client, deadline: float = 10.0) -> None:
    """Returns once Waybell hears Asterisk's events."""
    url = str(anybody.http.base_url).replace("/api/v1/", "/health/ready")
    async with asyncio.timeout(deadline):
        while not (await anybody.http.get(url)).json()["parts"]["ari"]:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.05)
