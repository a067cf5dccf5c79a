"""``GET /live`` as its users meet it: who may look, what comes, how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from tests.unit.web.conftest import TOKENS, authenticate, nothing_is_ready
from waybell.callbacks.values import RefusedError
from waybell.live.clients import FullError
from web_app import live_api
from web_app.app import Api, build_app
from web_app.auth import Authenticate, Bearer, UnauthorizedError

SNAPSHOT = b'event: snapshot\ndata: {"calls":[]}\n\n'


class FakeLive:
    """Gives ``pieces`` and then, now and then, an empty one; or is full."""

    def __init__(self, *pieces: bytes, full: bool = False, endless: bool = False) -> None:
        self.pieces, self.full, self.endless = pieces, full, endless
        self.inside = 0
        self.asked: list[str] = []

    def enter(self) -> None:
        if self.full:
            raise FullError
        self.inside += 1

    def leave(self) -> None:
        self.inside -= 1

    async def stream(self, last_event_id: str = "") -> AsyncIterator[bytes]:
        self.asked.append(last_event_id)
        for piece in self.pieces:
            yield piece
        while self.endless:
            await asyncio.sleep(0.01)
            yield b""

    async def close(self) -> None:
        self.endless = False


@asynccontextmanager
async def desk(
    live: FakeLive, token: str = "desk", check: Authenticate = authenticate
) -> AsyncIterator[httpx2.AsyncClient]:
    app = build_app(nothing_is_ready, CollectorRegistry(), "1.0", Api(None, check, live))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(transport=transport, base_url="http://waybell/api/v1", headers=headers) as web:
        yield web


@pytest.mark.parametrize("token", ["desk", "boss", "root"])
async def test_whoever_sits_at_a_desk_may_look(token: str) -> None:
    live = FakeLive(SNAPSHOT)
    async with desk(live, token) as web:
        answer = await web.get("/live", headers={"Last-Event-ID": "1.2.3.4.5"})
    assert (answer.status_code, answer.content) == (200, b"retry: 1000\n\n" + SNAPSHOT)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")
    assert (live.asked, live.inside) == (["1.2.3.4.5"], 0)


@pytest.mark.parametrize(("token", "status"), [("", 401), ("nobody", 401), ("app", 403), ("eleven", 403)])
async def test_nobody_else_may(token: str, status: int) -> None:
    live = FakeLive(SNAPSHOT)
    async with desk(live, token) as web:
        answer = await web.get("/live")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert live.asked == []


async def test_where_no_more_may_look_it_is_said_when_to_come_again() -> None:
    async with desk(FakeLive(full=True)) as web:
        answer = await web.get("/live")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"] == "urn:waybell:problem:too-many-streams"


async def test_an_id_that_is_too_long_is_refused() -> None:
    live = FakeLive(SNAPSHOT)
    async with desk(live) as web:
        answer = await web.get("/live", headers={"Last-Event-ID": "1" * 101})
    assert (answer.status_code, live.inside) == (422, 0)


async def test_a_stream_ends_once_its_token_is_none_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_api, "_CHECK_SECONDS", 0.02)
    live, asked = FakeLive(SNAPSHOT, endless=True), 0

    async def check(token: str, peer: str) -> Bearer:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise RefusedError("store-unavailable", 503, "Store unavailable", "The store is away.")
        if asked > 3:
            raise UnauthorizedError
        return TOKENS[token]

    async with asyncio.timeout(5), desk(live, check=check) as web:
        answer = await web.get("/live")
    assert answer.content.endswith(SNAPSHOT)
    assert (asked, live.inside) == (4, 0)


def test_the_document_tells_of_the_stream() -> None:
    app = build_app(nothing_is_ready, CollectorRegistry(), "1.0", Api(None, authenticate, FakeLive()))
    operation: dict[str, Any] = app.openapi()["paths"]["/api/v1/live"]["get"]
    assert operation["security"] == [{"token": []}]
    assert operation["responses"].keys() == {"200", "401", "403", "413", "422", "429", "500", "503"}
    assert operation["responses"]["200"]["content"].keys() == {"text/event-stream"}
    for name in ("snapshot", "reset", "call.started", "call.routed", "call.answered", "call.ended", "call.missed"):
        assert f"`{name}`" in operation["responses"]["200"]["description"]
