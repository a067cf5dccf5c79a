"""``GET /parcels/{parcel}/attempts``: as data, as a page to print, as a PDF; fit to be shown to a client."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx2
import jsonschema_rs
import pypdf
import pytest
import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError

from tests.loopback.search.cast import HOSTILE
from tests.unit.attempts.cast import note, refused, tried
from tests.unit.missed.cast import ANNA, AT, answered, by_anna
from tests.unit.web.conftest import authenticate, nothing_is_ready
from waybell.attempts.checksum import checksum
from waybell.attempts.finding import NothingKnownError
from waybell.attempts.judging import attempt_of, contact_of
from waybell.attempts.printing import NoFontError, Printer, PrintingError
from waybell.attempts.telling import Told
from waybell.attempts.values import Attempt, Rules, Sheet
from waybell.attempts.words import Language
from waybell.callbacks.values import Reason
from waybell.calls.search_deadline import TooSlowError
from waybell.calls.values import Party
from web_app.app import Api, build_app
from web_app.attempts_api import Attempts

RULES = Rules()


@pytest.fixture(autouse=True)
def logs_as_they_come() -> None:
    """Whatever a test before this one has set up."""
    structlog.reset_defaults()


def sheet_of(*attempts: Attempt | None, complete: bool = True, parcel: str = "10") -> Sheet:
    contacts = tuple(contact for call in (by_anna(2), answered(by_anna(3))) if (contact := contact_of(call)))
    found = tuple(one for one in attempts if one)
    return Sheet(parcel, found, contacts, RULES, AT, complete, checksum(parcel, found, contacts, RULES))


GENUINE = attempt_of(tried(20.4), note(Reason.NO_ANSWER), RULES)
BUSY = attempt_of(tried(1, 17, id="pbx1-cb2"), note(Reason.BUSY, sip_cause=486), RULES)
REFUSED = attempt_of(refused(), None, RULES)
SHEET = sheet_of(GENUINE, BUSY, REFUSED)


@dataclass
class FakeSheets:
    """Gives ``told`` or raises ``error``, and remembers what was asked."""

    told: Sheet = SHEET
    error: Exception | None = None
    asked: list[tuple[str, int | None]] = field(default_factory=list)

    async def sheet(self, parcel: str, until: int | None = None) -> Sheet:
        self.asked.append((parcel, until))
        if self.error:
            raise self.error
        return self.told


def app_of(
    sheets: FakeSheets, print_pdf: Callable[[Told, str], Awaitable[bytes]] | None = None, language: Language = "ru"
) -> FastAPI:
    attempts = Attempts(sheets, print_pdf or Printer().pdf, language, ZoneInfo("Europe/Moscow"), "1.2.3")
    return build_app(nothing_is_ready, CollectorRegistry(), "1.0", Api(None, authenticate, attempts=attempts))


@asynccontextmanager
async def client(app: FastAPI, token: str = "desk") -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=("192.0.2.7", 4711))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(transport=transport, base_url="http://waybell/api/v1", headers=headers) as web:
        yield web


async def get(sheets: FakeSheets, path: str = "/parcels/10/attempts", **options: object) -> httpx2.Response:
    async with client(app_of(sheets, **options)) as web:  # type: ignore[arg-type]
        return await web.get(path)


async def test_each_attempt_comes_with_who_when_how_long_why_and_its_verdict() -> None:
    answer = (await get(FakeSheets(), "/parcels/10/attempts?lang=en")).json()
    genuine, busy, not_placed = answer["attempts"]
    assert genuine["by"] == {"number": "*******0011", "name": "Борис", "kind": "courier", "id": "11"}
    assert (genuine["rang_seconds"], genuine["cause_text"]) == (20.4, "Q.850 19 no answer from user")
    assert (genuine["verdict"], genuine["why_text"]) == ("genuine attempt", "nobody answered")
    assert (busy["sip_status"], busy["sip_text"], busy["verdict"]) == (486, "SIP 486 Busy Here", "genuine attempt")
    assert (not_placed["verdict"], not_placed["rule"]) == ("refused", "outside-hours")
    assert answer["counts"] == {"reached": 0, "genuine attempt": 2, "too short": 0, "unreachable": 0, "refused": 1}
    assert [contact["answered"] for contact in answer["contacts"]] == [False, True]
    assert (answer["checksum"], answer["made_at"]) == (SHEET.checksum, "2026-11-22T02:52:54Z")


async def test_words_are_in_the_language_that_is_set_or_asked_for() -> None:
    assert (await get(FakeSheets())).json()["attempts"][0]["verdict_text"] == "настоящая попытка"
    assert (await get(FakeSheets(), language="en")).json()["attempts"][0]["verdict_text"] == "genuine attempt"
    page = (await get(FakeSheets(), "/parcels/10/attempts?format=html&lang=en")).text
    assert "Attempts to reach the recipient of parcel 10" in page


@pytest.mark.parametrize("form", ["json", "html", "pdf"])
async def test_numbers_are_masked_unless_they_are_asked_for_which_is_logged(form: str) -> None:
    with structlog.testing.capture_logs() as logs:
        masked = text_of(await get(FakeSheets(), f"/parcels/10/attempts?format={form}"))
        assert (ANNA in masked, "*******0001" in masked, logs) == (False, True, [])
        whole = text_of(await get(FakeSheets(), f"/parcels/10/attempts?format={form}&numbers=full"))
    assert (ANNA in whole, "*******0001" in whole) == (True, False)
    assert [(entry["parcel"], entry["token"]) for entry in logs] == [("10", "3")]


def text_of(answer: httpx2.Response) -> str:
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] != "application/pdf":
        return answer.text
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.content)).pages)


async def test_the_page_holds_nothing_but_itself_and_its_policy_allows_no_more() -> None:
    answer = await get(FakeSheets(), "/parcels/10/attempts?format=html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert ("unsafe" in policy, "http" in policy, "sandbox" in policy) == (False, False, True)
    assert re.findall(r"<(script|link|img|iframe|object|form|a|base)\b|\bon\w+=|url\(|@import", answer.text) == []
    assert "@media print" in answer.text
    for name in ("x-content-type-options", "referrer-policy", "cache-control"):
        assert answer.headers[name] in ("nosniff", "no-referrer", "no-store")
    for told in (SHEET.checksum, "pbx1-cb0123456789abcdef", "20.4", "2026-11-22 05:52:54", "Борис (11)", "1.2.3"):
        assert told in answer.text


async def test_the_pdf_says_what_the_page_says_in_cyrillic_on_one_page() -> None:
    answer = await get(FakeSheets(), "/parcels/10/attempts?format=pdf")
    assert answer.headers["content-disposition"] == 'attachment; filename="attempts-2026-11-22.pdf"'
    reader = pypdf.PdfReader(io.BytesIO(answer.content))
    assert len(reader.pages) == 1
    text = re.sub(r"\s+", " ", reader.pages[0].extract_text())
    for told in ("Попытки дозвониться до получателя отправления 10", "Борис (11)", "настоящая попытка", "20.4"):
        assert told in text
    assert SHEET.checksum in text.replace(" ", "")
    assert "страница 1 из 1" in text


async def test_a_pdf_of_several_pages_says_so_on_each() -> None:
    many = [replace(GENUINE, id=f"pbx1-cb{number}", at=AT + number) for number in range(90) if GENUINE]
    answer = await get(FakeSheets(sheet_of(*many, complete=False)), "/parcels/10/attempts?format=pdf&lang=en")
    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    assert len(pages) > 1
    for number, page in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in page.extract_text()
        assert number == len(pages) or "Who called" in page.extract_text()
    assert "This is not all" in pages[-1].extract_text()


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def tags_of(page: str) -> list[str]:
    parser = _Tags()
    parser.feed(page)
    return parser.tags


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.isprintable() or "\x1b" in name or "\u202e" in name])
async def test_a_name_of_any_kind_is_harmless_on_the_page_and_in_the_pdf(name: str) -> None:
    assert GENUINE is not None
    assert BUSY is not None
    hostile = replace(GENUINE, by=Party(ANNA, name, "courier", name[:20]), rule=name, id=name)
    sheets = FakeSheets(sheet_of(hostile, BUSY, parcel=name))
    plain = await get(FakeSheets(sheet_of(GENUINE, BUSY)), "/parcels/10/attempts?format=html")
    page = await get(sheets, "/parcels/10/attempts?format=html")
    assert tags_of(page.text) == tags_of(plain.text)
    assert not any(letter in page.text for letter in "\x00\x07\x1b\x9b\u202e\u202c\u200f\ufeff")
    text = text_of(await get(sheets, "/parcels/10/attempts?format=pdf"))
    assert "настоящая" in text
    assert (await get(sheets)).status_code == 200


async def test_what_is_asked_is_what_is_looked_for() -> None:
    sheets = FakeSheets()
    await get(sheets, "/parcels/A%20%E2%84%96%2017/attempts?until=2026-11-22T05:52:54.000000%2B03:00")
    assert sheets.asked == [("A № 17", AT)]


@pytest.mark.parametrize(
    "path",
    [
        *("10/attempts?format=docx", "10/attempts?lang=xx", "10/attempts?numbers=all", "10/attempts?until=x"),
        *("10/attempts?order=x", "%00/attempts", f"{'1' * 101}/attempts"),
    ],
)
async def test_what_cannot_be_asked_is_told_as_a_problem(path: str) -> None:
    answer = await get(FakeSheets(), f"/parcels/{path}")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:waybell:problem:invalid-request")


@pytest.mark.parametrize(
    ("error", "status", "type_"),
    [
        (NothingKnownError("10"), 404, "unknown-parcel"),
        (TooSlowError(5), 503, "search-too-slow"),
        (OperationalError("SELECT secret", None, Exception("down")), 503, "store-unavailable"),
    ],
)
async def test_what_goes_wrong_is_a_problem_without_secrets(error: Exception, status: int, type_: str) -> None:
    answer = await get(FakeSheets(error=error))
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:waybell:problem:{type_}")
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("error", "type_"), [(NoFontError("no font: install one"), "no-font"), (PrintingError("secret"), "printing-failed")]
)
async def test_a_pdf_that_cannot_be_made_is_a_problem_that_says_what_to_do(error: Exception, type_: str) -> None:
    async def fails(_told: Told, _made_at: str) -> bytes:
        raise error

    answer = await get(FakeSheets(), "/parcels/10/attempts?format=pdf", print_pdf=fails)
    assert (answer.status_code, answer.json()["type"]) == (503, f"urn:waybell:problem:{type_}")
    assert "secret" not in answer.text


async def test_a_font_that_is_none_is_told_and_what_takes_too_long_is_ended(tmp_path: object) -> None:
    bad = f"{tmp_path}/font.ttf"
    assert "attempts.font" in await problem(Printer(bad))
    with open(bad, "wb") as file:  # noqa: ASYNC230, PTH123
        file.write(b"no font")
    assert "attempts.font" in await problem(Printer(bad))
    assert "No PDF came out" in await problem(Printer(seconds=0.001))


async def problem(printer: Printer) -> str:
    answer = await get(FakeSheets(), "/parcels/10/attempts?format=pdf", print_pdf=printer.pdf)
    assert answer.status_code == 503
    return f"{answer.json()['title']} {answer.json()['detail']}"


@pytest.mark.parametrize(("token", "status"), [("", 401), ("wrong", 401), ("app", 403), ("eleven", 403), ("boss", 200)])
async def test_only_operators_and_above_may_ask(token: str, status: int) -> None:
    async with client(app_of(FakeSheets()), token) as web:
        assert (await web.get("/parcels/10/attempts")).status_code == status


async def test_answers_and_examples_are_what_openapi_says() -> None:
    document = app_of(FakeSheets()).openapi()
    operation = document["paths"]["/api/v1/parcels/{parcel}/attempts"]["get"]
    assert operation["responses"].keys() == {"200", "401", "403", "404", "413", "422", "429", "500", "503"}
    components = {"components": document["components"]}
    for response in operation["responses"].values():
        for content in response["content"].values():
            assert content["examples"]
            for example in content["examples"].values():
                jsonschema_rs.validate(content["schema"] | components, example["value"])
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema_rs.validate(schema | components, (await get(FakeSheets())).json())


def test_the_checksum_is_the_same_for_the_same_facts_and_another_for_every_other_fact() -> None:
    assert GENUINE is not None
    assert sheet_of(GENUINE).checksum == sheet_of(GENUINE).checksum
    others = [
        replace(GENUINE, rang_seconds=20.3),
        replace(GENUINE, at=AT + 1),
        replace(GENUINE, id="x"),
        replace(GENUINE, by=Party("1", "Семён", "courier", "12")),
        replace(GENUINE, cause=17),
        replace(GENUINE, number="79161000002"),
    ]
    told = [sheet_of(GENUINE), sheet_of(), sheet_of(GENUINE, parcel="11"), *map(sheet_of, others)]
    assert len({sheet.checksum for sheet in told}) == len(told)


def test_the_checksum_tells_nothing_of_the_digits_that_are_hidden() -> None:
    assert GENUINE is not None
    assert sheet_of(replace(GENUINE, number="79990000001")).checksum == sheet_of(GENUINE).checksum
    assert quote(SHEET.checksum) == SHEET.checksum
