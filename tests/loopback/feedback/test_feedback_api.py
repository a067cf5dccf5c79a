"""``GET /feedback`` and its averages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.feedback.test_feedback_store import keep, some
from tests.unit.web.conftest import authenticate, nothing_is_ready
from waybell.calls.search_port import Journal
from waybell.feedback.store import FeedbackStore
from waybell.recordings.library import Library
from waybell.recordings.listens import Listens
from waybell.recordings.service import Recordings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from web_app.app import Api, build_app


def app_of(engine: AsyncEngine, folder: Path) -> FastAPI:
    recordings = Recordings(Library(f"file://{folder}"), Listens(engine))
    feedback = FeedbackStore(engine)
    api = Api(None, authenticate, journal=Journal(engine, 5.0), recordings=recordings, feedback=feedback)
    return build_app(nothing_is_ready, CollectorRegistry(), "1.0", api)


@asynccontextmanager
async def client(app: FastAPI, token: str = "desk") -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://waybell/api/v1", headers=headers) as web:
        yield web


@pytest.fixture
async def lite(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    await migrate(engine)
    await keep(engine, *some())
    yield engine
    await engine.dispose()


@pytest.fixture
async def desk(lite: AsyncEngine, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with client(app_of(lite, tmp_path)) as web:
        yield web


async def test_ratings_come_page_by_page(desk: httpx2.AsyncClient) -> None:
    seen, cursor = list[str](), ""
    while True:
        asked = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await desk.get("/feedback", params=asked)).json()
        seen += [said["call"] for said in page["feedback"]]
        if not page["cursor"]:
            break
        cursor = page["cursor"]
    assert seen == [f"pbx1-{number}.0" for number in (4, 3, 2, 1)]


@pytest.mark.parametrize("by", ["courier", "operator", "manager", "client", "day"])
async def test_averages_by_each_of_the_contract(desk: httpx2.AsyncClient, by: str) -> None:
    answer = await desk.get("/feedback/averages", params={"by": by, "from": "2026-01-01"})
    assert answer.status_code == 200
    assert answer.json()["averages"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/feedback?cursor=forged", "cursor"),
        ("/feedback?cursor=OTk5OTk5OTk5OTk5OTk5OQp4", "cursor"),
        ("/feedback?rating=6", "rating"),
        ("/feedback?order=rating", "order"),
        ("/feedback?from=yesterday", "from"),
        ("/feedback?from=2026-02-30", "from"),
        ("/feedback?number='%20OR%201=1", "number"),
        ("/feedback/averages", "by"),
        ("/feedback/averages?by=number;drop", "by"),
    ],
)
async def test_what_is_forged_is_refused_and_told_where(desk: httpx2.AsyncClient, path: str, name: str) -> None:
    answer = await desk.get(path)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{name}"]


async def test_a_courier_may_not_read_what_callers_said(lite: AsyncEngine, tmp_path: Path) -> None:
    async with client(app_of(lite, tmp_path), "app") as courier:
        for path in ("/feedback", "/feedback/averages?by=day"):
            assert (await courier.get(path)).status_code == 403


async def test_a_store_that_is_down_is_told(tmp_path: Path) -> None:
    engine = make_engine("mysql+asyncmy://nobody:x@127.0.0.1:1/none")
    async with client(app_of(engine, tmp_path)) as web:
        for path in ("/feedback", "/feedback/averages?by=day"):
            answer = await web.get(path)
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:waybell:problem:store-unavailable")
    await engine.dispose()
