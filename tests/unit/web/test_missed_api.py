"""``GET /missed``: what is asked is what is looked for, and every answer is one that OpenAPI describes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx2
import jsonschema_rs
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError

from tests.unit.missed.cast import AT, by_anna, callback
from tests.unit.web.conftest import authenticate, nothing_is_ready
from waybell.calls.queries import BadCursorError, CallFilter
from waybell.calls.search_deadline import TooSlowError
from waybell.calls.values import Party
from waybell.missed.fold import missed
from waybell.missed.values import MissedFilter, Page, Rung, State
from web_app.app import Api, build_app

OPEN, CLOSED = missed([by_anna(0), callback(1, Party("79161000001", "Анна", "recipient", "10")), by_anna(2)])
PAGE = Page((replace(OPEN, rung=(Rung("199", 2),)), CLOSED), "next")


@dataclass
class FakeMissed:
    """Gives ``page`` or raises ``error``, and remembers what was asked."""

    page_: Page = PAGE
    error: Exception | None = None
    asked: list[tuple[MissedFilter, int, str]] = field(default_factory=list)

    async def page(self, chosen: MissedFilter, limit: int = 50, cursor: str = "") -> Page:
        chosen.calls.checked()
        self.asked.append((chosen, limit, cursor))
        if self.error:
            raise self.error
        return self.page_


def app_of(found: FakeMissed) -> FastAPI:
    return build_app(nothing_is_ready, CollectorRegistry(), "1.0", Api(None, authenticate, missed=found))


@asynccontextmanager
async def client(found: FakeMissed, token: str = "desk") -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app_of(found), raise_app_exceptions=False, client=("192.0.2.7", 4711))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(transport=transport, base_url="http://waybell/api/v1", headers=headers) as web:
        yield web


async def test_entries_come_with_their_calls_who_was_rung_and_how_they_were_closed() -> None:
    async with client(FakeMissed()) as web:
        answer = (await web.get("/missed")).json()
    waiting, settled = answer["missed"]
    assert (waiting["state"], waiting["count"], waiting["closed"]) == ("open", 1, None)
    assert waiting["caller"] == {"number": "79161000001", "name": "Анна", "kind": "recipient", "id": "10"}
    assert waiting["rung"] == [{"number": "199", "times": 2}]
    assert settled["state"] == "closed"
    assert settled["closed"]["by"]["name"] == "Борис"
    assert (settled["closed"]["direction"], settled["closed"]["call"]) == ("callback", "pbx1-1")
    assert answer["cursor"] == "next"


async def test_what_is_asked_is_what_is_looked_for() -> None:
    found = FakeMissed()
    async with client(found) as web:
        await web.get("/missed")
        await web.get(
            "/missed?state=all&from=2026-11-21T00:00+03:00&until=2026-11-22&kind=recipient&courier=11&client=101"
            "&parcel=10&number=4567&limit=7&cursor=next"
        )
    first, second = found.asked
    assert first == (MissedFilter(), 50, "")
    day = 86_400_000_000
    until = 1_795_305_600_000_000
    chosen = CallFilter(until - day - day // 8, until, "4567", "", "", "recipient", "11", "10", "101")
    assert second == (MissedFilter(chosen, State.ALL), 7, "next")
    assert until < AT


@pytest.mark.parametrize(
    "query",
    [
        *("state=lost", "from=yesterday", "limit=0", "limit=201", "order=x", "number=x", "kind=ghost"),
        *("courier=%00", "cursor=", "until=2026-02-30", "from=2026-11-21T00:00Z;DROP"),
    ],
)
async def test_what_cannot_be_asked_is_told_as_a_problem(query: str) -> None:
    async with client(FakeMissed()) as web:
        answer = await web.get(f"/missed?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "urn:waybell:problem:invalid-request"
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    ("error", "status", "type_"),
    [
        (BadCursorError(), 422, "invalid-request"),
        (TooSlowError(5), 503, "search-too-slow"),
        (OperationalError("SELECT secret", None, Exception("down")), 503, "store-unavailable"),
    ],
)
async def test_what_goes_wrong_is_a_problem_without_secrets(error: Exception, status: int, type_: str) -> None:
    async with client(FakeMissed(error=error)) as web:
        answer = await web.get("/missed")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:waybell:problem:{type_}")
    assert "secret" not in answer.text


@pytest.mark.parametrize(("token", "status"), [("", 401), ("wrong", 401), ("app", 403), ("eleven", 403), ("boss", 200)])
async def test_only_operators_and_above_may_ask(token: str, status: int) -> None:
    async with client(FakeMissed(), token) as web:
        assert (await web.get("/missed")).status_code == status


async def test_answers_and_examples_are_what_openapi_says() -> None:
    document = app_of(FakeMissed()).openapi()
    operation = document["paths"]["/api/v1/missed"]["get"]
    assert operation["responses"].keys() == {"200", "401", "403", "413", "422", "429", "500", "503"}
    components = {"components": document["components"]}
    for response in operation["responses"].values():
        for content in response["content"].values():
            assert content["examples"]
            for example in content["examples"].values():
                jsonschema_rs.validate(content["schema"] | components, example["value"])
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    async with client(FakeMissed()) as web:
        jsonschema_rs.validate(schema | components, (await web.get("/missed")).json())
