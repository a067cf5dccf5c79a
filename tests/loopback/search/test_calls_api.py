"""The journal over HTTP, from what was written to what a program or a spreadsheet reads."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openpyxl
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.search.cast import AT, HOSTILE, call, index, keep
from tests.unit.web.conftest import TOKENS, authenticate, nothing_is_ready
from waybell.calls import export_xlsx
from waybell.calls.export_cells import HEADER
from waybell.calls.queries import CallFilter, cursor_behind
from waybell.calls.search_port import Journal
from waybell.calls.values import Leg, Party, RouteStep, Status, iso
from web_app.app import Api, build_app

FULL = call(
    7,
    caller=Party("79161234567", "Анна Петрова", "recipient", "10"),
    answered_by=Party("79010000011", "Борис", "courier", "11"),
    answered_at=AT + 9_000_000,
    ended_at=AT + 11_000_000,
    dialed="74951234567",
    parcel="10",
    courier="11",
    client="21",
    manager="199,100",
    wait_seconds=1.25,
    legs=(Leg("79010000011", "PJSIP/trunk-1", AT, AT, AT, 16, True),),
    route=(RouteStep(AT, "find", "dial", "parcel 10 is with courier 11", "ANSWER", "crm"),),
)
TEN = [call(number, courier="12", status=Status.MISSED) for number in range(10, 20)]


@asynccontextmanager
async def web(engine: AsyncEngine, token: str = "desk", seconds: float = 5.0) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the API that has ``token``, on this store."""
    api = Api(None, authenticate, journal=Journal(engine, seconds))
    app = build_app(nothing_is_ready, CollectorRegistry(), "1.0", api)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(transport=transport, base_url="http://waybell/api/v1", headers=headers) as client:
        yield client


def problem(answer: httpx2.Response) -> tuple[int, str, list[str]]:
    """Status, type, and where the faults are."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["detail"]
    return answer.status_code, document["type"].rpartition(":")[2], [f["pointer"] for f in document.get("errors", [])]


async def test_a_call_is_shown_as_the_contract_says(engine: AsyncEngine) -> None:
    await keep(engine, [FULL])
    async with web(engine) as client:
        one, page = await client.get(f"/calls/{FULL.id}"), await client.get("/calls")
    assert one.json() == json.loads(json.dumps(FULL.as_json()))
    assert page.json() == {"calls": [one.json()], "cursor": None, "count": {"calls": 1, "exact": True}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [*range(19, 9, -1), 7]),
        ({"order": "started_at", "limit": "2"}, [7, 10]),
        ({"from": "2026-11-22T02:53:04Z"}, range(19, 9, -1)),
        ({"until": "2026-11-22T05:53:04+03:00"}, [7]),
        ({"until": "2026-11-22T05:53:04 03:00"}, [7]),
        ({"from": "2026-11-21", "until": "2026-11-22"}, []),
        ({"number": "+7 (916) 123-45-67"}, [7]),
        ({"number": "4567"}, [7]),
        ({"number": "=4567"}, []),
        ({"direction": "inbound", "status": "answered"}, [7]),
        ({"kind": "recipient"}, [7]),
        ({"kind": "employee"}, []),
        ({"courier": "11", "client": "21", "parcel": "10", "manager": "100"}, [7]),
        ({"courier": "12", "manager": "100"}, []),
        ({"rating": "5"}, [7]),
        ({"rating": "4"}, []),
        ({"search": "ПЕТРОВ бори"}, [7]),
        ({"search": "петров никто"}, []),
    ],
    ids=str,
)
async def test_every_filter_of_the_contract_works(
    engine: AsyncEngine, query: dict[str, str], expected: list[int]
) -> None:
    await keep(engine, [FULL, *TEN], {FULL.id: 5})
    for _ in range(2):
        async with web(engine) as client:
            answer = await client.get("/calls", params=query)
        assert answer.status_code == 200, answer.text
        assert [found["id"] for found in answer.json()["calls"]] == [f"pbx1-{number}.0" for number in expected]
        await index(engine)


async def test_pages_follow_each_other_and_only_the_first_is_counted(engine: AsyncEngine) -> None:
    await keep(engine, TEN)
    async with web(engine) as client:
        first = (await client.get("/calls", params={"limit": 4, "courier": "12"})).json()
        params = {"limit": 4, "courier": "12", "cursor": first["cursor"]}
        second = (await client.get("/calls", params=params)).json()
        third = (await client.get("/calls", params=params | {"cursor": second["cursor"]})).json()
    assert first["count"] == {"calls": 10, "exact": True}
    assert (second["count"], third["count"], third["cursor"]) == (None, None, None)
    found = [each["id"] for page in (first, second, third) for each in page["calls"]]
    assert found == [each.id for each in TEN[::-1]]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("path", ["/calls", "/calls?format=csv", f"/calls/{FULL.id}"])
async def test_couriers_may_not_see_the_journal(engine: AsyncEngine, path: str, token: str) -> None:
    await keep(engine, [FULL])
    async with web(engine, token) as client:
        answer = await client.get(path)
    if TOKENS[token].scope == "courier":
        assert problem(answer) == (403, "missing-scope", [])
    else:
        assert answer.status_code == 200


async def test_without_a_token_nothing_is_told(engine: AsyncEngine) -> None:
    async with web(engine, "") as client:
        assert problem(await client.get("/calls")) == (401, "unauthorized", [])


FORGED = [
    ("order", "started_at; DROP TABLE calls"),
    ("order", "id"),
    ("order", "-started_at,(SELECT 1)"),
    ("cursor", "x"),
    ("cursor", "' OR 1=1 --"),
    ("cursor", cursor_behind(FULL, CallFilter(courier="11"))),
    ("cursor", "é" * 10),
    ("cursor", "A" * 401),
    ("search", "--'"),
    ("search", "%"),
    ("search", "\x00"),
    ("search", " ".join("abcdefghi")),
    ("search", "x" * 101),
    ("number", "1 OR 1=1"),
    ("number", "%"),
    ("number", "()"),
    ("number", "٣٣٣"),
    ("number", "1" * 61),
    ("status", "answered' OR '1'='1"),
    ("kind", "ghost"),
    ("direction", "up"),
    ("rating", "6"),
    ("rating", "1 OR 1"),
    ("from", "yesterday"),
    ("from", "2026-02-30"),
    ("until", "0001-01-01"),
    ("limit", "0"),
    ("limit", "1001"),
    ("limit", "1;"),
    ("format", "xml"),
    ("courier", "1\x00"),
    ("courier", "1\r\nSet-Cookie: x"),
    ("form", "csv"),
    ("id", "1"),
]


@pytest.mark.parametrize(("name", "value"), FORGED, ids=[f"{name}={value[:20]!r}" for name, value in FORGED])
async def test_what_is_forged_is_refused_and_told_where(engine: AsyncEngine, name: str, value: str) -> None:
    await keep(engine, [FULL])
    async with web(engine) as client:
        answer = await client.get("/calls", params={name: value})
    assert problem(answer) == (422, "invalid-request", [f"/{name}"])


@pytest.mark.parametrize("name", ["courier", "client", "parcel", "manager", "search"])
@pytest.mark.parametrize("value", [f"' OR '1'='1{'' if n else ' x'}" for n in range(1)] + ["%", "_", "a%", '"', "\\"])
async def test_sql_in_a_filter_finds_only_calls_that_have_just_that(engine: AsyncEngine, name: str, value: str) -> None:
    await keep(engine, [FULL, *TEN])
    async with web(engine) as client:
        answer = await client.get("/calls", params={name: value})
    assert (answer.status_code, answer.json().get("calls")) in [(200, []), (422, None)]


async def test_a_call_that_is_not_there_is_told_so(engine: AsyncEngine) -> None:
    async with web(engine) as client:
        assert problem(await client.get("/calls/pbx1-9.9")) == (404, "unknown-call", [])
        assert problem(await client.get("/calls/a%20b")) == (422, "invalid-request", ["/call_id"])


async def test_a_store_that_is_down_is_told_so(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE calls"))
    async with web(engine) as client:
        for path in ("/calls", "/calls?format=csv", "/calls?format=xlsx", "/calls/pbx1-1.0"):
            answer = await client.get(path)
            assert problem(answer) == (503, "store-unavailable", [])
            assert answer.headers["retry-after"] == "2"


async def exported(engine: AsyncEngine, form: str, **query: Any) -> httpx2.Response:
    async with web(engine) as client:
        answer = await client.get("/calls", params={"format": form, **query})
    assert answer.status_code == 200, answer.text
    assert f'.{form}"' in answer.headers["content-disposition"]
    return answer


async def test_a_spreadsheet_holds_all_calls_that_were_asked_for(engine: AsyncEngine) -> None:
    await keep(engine, [FULL, *TEN], {FULL.id: 4})
    await index(engine)
    for query, expected in (({}, [*TEN[::-1], FULL]), ({"courier": "12", "order": "started_at"}, TEN)):
        lines = list(csv.DictReader(io.StringIO((await exported(engine, "csv", **query)).text, newline="")))
        assert [line["id"] for line in lines] == [each.id for each in expected]
        book = openpyxl.load_workbook(io.BytesIO((await exported(engine, "xlsx", **query)).content))
        [*rows] = book.active.iter_rows(values_only=True)
        assert rows[0] == HEADER
        assert [row[0] for row in rows[1:]] == [each.id for each in expected]
        book.close()
    line = lines[-1] if lines[-1]["id"] == FULL.id else None
    assert line is None
    [full] = [
        line
        for line in csv.DictReader(io.StringIO((await exported(engine, "csv")).text, newline=""))
        if line["id"] == FULL.id
    ]
    assert full["started_at"] == iso(FULL.started_at)
    assert (full["rating"], full["wait_seconds"], full["manager"]) == ("4", "1.25", "199,100")
    assert full["route"] == "find: parcel 10 is with courier 11 (ANSWER)"


async def test_a_hostile_name_is_text_in_every_form(engine: AsyncEngine) -> None:
    hostile = [call(number, caller=Party("1", name)) for number, name in enumerate(HOSTILE)]
    await keep(engine, hostile)
    stored = [name.encode("utf-8", "backslashreplace").decode() for name in HOSTILE]
    async with web(engine) as client:
        page = await client.get("/calls", params={"order": "started_at"})
    assert page.headers["content-type"] == "application/json"
    assert [found["caller"]["name"] for found in page.json()["calls"]] == stored
    column = HEADER.index("caller_name")
    lines = list(csv.reader(io.StringIO((await exported(engine, "csv", order="started_at")).text, newline="")))
    for line, name in zip(lines[1:], stored, strict=True):
        assert line[column] in (name, "'" + name)
        assert line[column].lstrip(" \u00a0")[0] not in "=+-@\t\r\n＝＋－＠"
    content = (await exported(engine, "xlsx", order="started_at")).content
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [row[column] for row in book.active.iter_rows(min_row=2)]
    book.close()
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.hyperlink is None for cell in cells)
    for cell, name in zip(cells, stored, strict=True):
        assert read_by_excel(str(cell.value)) == name.replace("\r", "\n") or "\r" in name


def read_by_excel(text_: str) -> str:
    """What XML cannot hold stands in a workbook as ``_x001B_``."""
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text_)


async def test_a_workbook_begins_another_sheet_where_excel_holds_no_more(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_xlsx, "MOST_ROWS", 5)
    await keep(engine, TEN)
    book = openpyxl.load_workbook(io.BytesIO((await exported(engine, "xlsx")).content))
    assert [sheet.max_row for sheet in book.worksheets] == [5, 5, 3]
    assert {next(sheet.iter_rows(values_only=True)) for sheet in book.worksheets} == {HEADER}
    book.close()
