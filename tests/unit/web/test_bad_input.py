"""Whatever a request holds, the answer is a problem document that says what is wrong with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from tests.fakes.callbacks import FakeCallbacks
from tests.unit.web.conftest import app_of, client, nothing_is_ready
from tests.unit.web.test_callbacks_api import BY_PARCEL, KEY, problem
from waybell.callbacks.values import Asker, Callback, Wish
from web_app.app import build_app
from web_app.auth import Bearer

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("token", ["", "nobody", "x" * 201, "ключ".encode(), 'a"b'], ids=str)
async def test_without_a_valid_token_nothing_is_told(token: str | bytes) -> None:
    value = b"Bearer " + (token.encode() if isinstance(token, str) else token)
    async with client(token="") as web:
        answer = await web.post("/callbacks", json=BY_PARCEL, headers={b"Authorization": value})
    assert problem(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic eDp5"}], ids=["none", "Basic"])
async def test_a_request_without_a_token_is_told_how_to_send_one(header: dict[str, str]) -> None:
    async with client(token="") as web:
        answer = await web.get("/callbacks/cb1", headers=header)
    assert problem(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_from_the_wrong_network_is_refused() -> None:
    async with client(token="elsewhere") as web:
        assert problem(await web.get("/callbacks/cb1")) == (403, "forbidden-network")


async def test_who_guesses_tokens_is_told_how_long_to_wait() -> None:
    async with client(token="guess") as web:
        answer = await web.get("/callbacks/cb1")
    assert problem(answer) == (429, "too-many-guesses")
    assert answer.headers["retry-after"] == "7"


async def test_a_token_is_judged_by_its_text_and_the_peers_address() -> None:
    seen: list[tuple[str, str]] = []

    async def see(token: str, peer: str) -> Bearer:
        seen.append((token, peer))
        return Bearer("1", "app", "courier")

    app = app_of(FakeCallbacks())
    app.state.authenticate = see
    await ask(app, [], method="GET", path="/api/v1/callbacks/cb1", headers=[("authorization", "bearer secret")])
    assert seen == [("secret", "192.0.2.7")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"courier": "11"}, ""),
        ({"courier": "11", "parcel": "1", "to": "2"}, ""),
        ({"parcel": "1"}, "/courier"),
        ({"courier": "11", "parcel": ""}, "/parcel"),
        ({"courier": "11", "parcel": None}, "/parcel"),
        ({"courier": 11, "parcel": "1"}, "/courier"),
        ({"courier": "1" * 101, "parcel": "1"}, "/courier"),
        ({"courier": "11\n", "parcel": "1"}, "/courier"),
        ({"courier": "11", "parcel": "1\x00"}, "/parcel"),
        ({"courier": "11", "to": "1\x85"}, "/to"),
        ({"courier": "11", "to": "\ud800"}, "/to"),
        ({"courier": "11", "to": "1", "Context": "x"}, "/Context"),
        ({"courier": "11", "to": "1", "a/b~": "x"}, "/a~1b~0"),
        ({"courier": "11", "to": "1", "\ud800": "x"}, ""),
        ([], ""),
        ("11", ""),
        (None, ""),
    ],
)
async def test_a_body_that_is_not_valid_is_told_where(body: object, pointer: str) -> None:
    callbacks = FakeCallbacks()
    async with client(callbacks) as web:
        answer = await web.post("/callbacks", content=json.dumps(body), headers=JSON | KEY)
    assert problem(answer) == (422, "invalid-request")
    assert [(fault["in"], fault["pointer"]) for fault in answer.json()["errors"]] == [("body", pointer)]
    assert not callbacks.asked


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe\xff",
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b'{"courier": ' + b"9" * 60_000 + b"}",
        b"NaN NaN",
    ],
    ids=["half", "no Unicode", "nested arrays", "nested objects", "a huge number", "two values"],
)
async def test_a_body_that_cannot_be_read_is_told_so(body: bytes) -> None:
    async with client() as web:
        answer = await web.post("/callbacks", content=body, headers=JSON | KEY)
    assert problem(answer) == (400, "unreadable-body")


async def test_of_a_thousand_faults_twenty_are_told() -> None:
    async with client() as web:
        body = {f"{number:a>50}": 1 for number in range(1000)}
        answer = await web.post("/callbacks", json=body, headers=KEY)
    assert problem(answer) == (422, "invalid-request")
    assert len(answer.json()["errors"]) == 20


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"]
)
async def test_a_body_that_is_not_said_to_be_json_is_refused(content_type: str | None) -> None:
    async with client() as web:
        headers = KEY | ({"Content-Type": content_type} if content_type else {})
        answer = await web.post("/callbacks", content=json.dumps(BY_PARCEL), headers=headers)
    assert problem(answer) == (415, "wrong-content-type")


async def test_json_with_a_charset_is_json() -> None:
    async with client() as web:
        headers = KEY | {"Content-Type": "Application/JSON; charset=utf-8"}
        assert (await web.post("/callbacks", content=json.dumps(BY_PARCEL), headers=headers)).status_code == 202


async def test_a_callback_without_a_key_is_told_to_send_one() -> None:
    async with client() as web:
        assert problem(await web.post("/callbacks", json=BY_PARCEL)) == (400, "idempotency-key-missing")


@pytest.mark.parametrize("key", ["", "x" * 201, "ключ", "a\tb"])
@pytest.mark.parametrize("path", ["/callbacks", "/calls"])
async def test_a_key_that_is_no_key_is_told_so(path: str, key: str) -> None:
    body = BY_PARCEL if path == "/callbacks" else {"extension": "200", "to": "2"}
    async with client(token="root") as web:
        answer = await web.post(path, json=body, headers={b"Idempotency-Key": key.encode()})
    assert problem(answer) == (422, "invalid-request")
    assert [(fault["in"], fault["pointer"]) for fault in answer.json()["errors"]] == [("header", "/Idempotency-Key")]


@pytest.mark.parametrize("name", ["a b", "%00", "%F0%9F%93%9E", "x" * 101, "a%0Ab", "..%5C"])
async def test_an_id_that_is_none_is_told_so(name: str) -> None:
    async with client() as web:
        assert problem(await web.get(f"/callbacks/{name}")) == (422, "invalid-request")


@pytest.mark.parametrize("path", ["/nowhere", "/callbacks/", "/callbacks/a/b", "/callbacks/%2e%2e%2fx", "/%FF" * 999])
async def test_an_address_where_nothing_is_is_a_problem_too(path: str) -> None:
    async with client() as web:
        assert problem(await web.get(path)) == (404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/callbacks", "POST"), ("PATCH", "/callbacks/cb1", "GET, DELETE"), ("TRACE", "/calls", "POST")],
)
async def test_what_an_address_cannot_do_is_told_with_all_that_it_can(method: str, path: str, allowed: str) -> None:
    async with client() as web:
        answer = await web.request(method, path)
    assert problem(answer) == (405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


class Broken(FakeCallbacks):
    """Meets an error that nobody expected."""

    async def request(self, asker: Asker, wish: Wish, key: str) -> Callback:
        raise KeyError("mysql://waybell:secret@db")


async def test_an_error_that_nobody_expected_tells_nothing_of_the_inside() -> None:
    async with client(Broken()) as web:
        answer = await web.post("/callbacks", json=BY_PARCEL, headers=KEY)
    assert problem(answer) == (500, "internal-error")
    assert "secret" not in answer.text
    assert "KeyError" not in answer.text


async def ask(
    app: FastAPI,
    body: list[bytes],
    *,
    method: str = "POST",
    path: str = "/api/v1/callbacks",
    headers: list[tuple[str, str]],
) -> tuple[int, int]:
    """Status of the answer, and how many pieces of ``body`` were taken."""
    taken, statuses = 0, []

    async def receive() -> dict[str, object]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": body[taken - 1], "more_body": taken < len(body)}

    async def send(message: dict[str, object]) -> None:
        statuses.append(message.get("status"))

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("192.0.2.7", 4711),
        "server": ("waybell", 80),
        "scheme": "http",
        "root_path": "",
    }
    await app(scope, receive, send)  # type: ignore[arg-type] # ASGI's own types are wider
    assert isinstance(statuses[0], int)
    return statuses[0], taken


@pytest.mark.parametrize("length", ["65537", "10485760", "9" * 5000, "-1", "x"])
async def test_a_body_that_is_said_to_be_too_large_is_not_read(length: str) -> None:
    headers = [("content-length", length), ("authorization", "Bearer app")]
    assert await ask(app_of(FakeCallbacks()), [b""], headers=headers) == (413, 0)


async def test_a_body_that_does_not_say_how_large_it_is_is_read_no_further_than_it_may_be() -> None:
    headers = [("transfer-encoding", "chunked"), ("authorization", "Bearer app"), ("content-type", "application/json")]
    assert await ask(app_of(FakeCallbacks()), [b" " * 1024] * 10_000, headers=headers) == (413, 65)


async def test_a_body_of_just_the_size_it_may_have_is_read() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b" " * (65_536 - 33)
        await asyncio.sleep(0)
        yield json.dumps(BY_PARCEL).encode().ljust(33)

    async with client() as web:
        assert (await web.post("/callbacks", content=pieces(), headers=JSON | KEY)).status_code == 202


async def test_without_callbacks_there_is_no_api() -> None:
    app = build_app(nothing_is_ready, CollectorRegistry(), "1.0")
    assert await ask(app, [b""], headers=[]) == (404, 0)
    assert await ask(app, [b""], method="GET", path="/health/live", headers=[]) == (200, 0)
