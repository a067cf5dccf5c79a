"""Calls are asked for, followed and cancelled over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.fakes.callbacks import NOW, SECRET_NUMBER, FakeCallbacks
from tests.unit.web.conftest import client
from waybell.callbacks.values import (
    Asker,
    ByNumber,
    ByParcel,
    Click,
    Reason,
    RefusedError,
    Side,
    Status,
    Test,
    Wish,
)
from web_app import callbacks_api

KEY = {"Idempotency-Key": "k1"}
BY_PARCEL = {"courier": "11", "parcel": "10"}


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and type of a problem document, which has every field that it must."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["title"]
    assert document["detail"]
    assert document["instance"].startswith("/")
    return answer.status_code, document["type"].removeprefix("urn:waybell:problem:")


async def test_a_callback_by_parcel_is_accepted_and_can_be_followed() -> None:
    callbacks = FakeCallbacks()
    async with client(callbacks) as web:
        answer = await web.post("/callbacks", json=BY_PARCEL, headers=KEY)
        assert answer.status_code == 202
        assert answer.json()["id"] == "cb1"
        assert answer.json()["status"] == "requested"
        assert callbacks.asked == [(Asker("token:1"), ByParcel("11", "10"), "k1")]
        followed = await web.get(answer.headers["location"].removeprefix("/api/v1"))
        assert (followed.status_code, followed.json()) == (200, answer.json())


async def test_a_callback_by_number_is_asked_for_as_it_was_written() -> None:
    callbacks = FakeCallbacks()
    async with client(callbacks, "eleven") as web:
        answer = await web.post("/callbacks", json={"courier": "11", "to": "8 (916) 123-45-67"}, headers=KEY)
    assert answer.status_code == 202
    assert callbacks.asked == [(Asker("token:2", "11"), ByNumber("11", "8 (916) 123-45-67"), "k1")]


async def test_the_status_document_tells_how_a_call_failed() -> None:
    callbacks = FakeCallbacks()
    async with client(callbacks) as web:
        await web.post("/callbacks", json=BY_PARCEL, headers=KEY)
        callbacks.placed["cb1"] = replace(
            callbacks.placed["cb1"],
            status=Status.FAILED,
            reason=Reason.BUSY,
            side=Side.SECOND,
            cause=17,
            sip_cause=486,
            second_rung_at=NOW,
            ended_at=NOW + timedelta(seconds=4),
        )
        assert (await web.get("/callbacks/cb1")).json() == {
            "id": "cb1",
            "status": "failed",
            "reason": "busy",
            "side": "recipient",
            "cause": 17,
            "sip_cause": 486,
            "courier": "11",
            "parcel": "10",
            "created_at": "2026-11-21T23:36:44.854863Z",
            "changed_at": "2026-11-21T23:36:44.854863Z",
            "ended_at": "2026-11-21T23:36:48.854863Z",
            "ring_seconds": 4.0,
        }


async def test_no_answer_holds_the_number_of_either_side() -> None:
    async with client() as web:
        answers = [
            await web.post("/callbacks", json=BY_PARCEL, headers=KEY),
            await web.get("/callbacks/cb1"),
            await web.delete("/callbacks/cb1"),
        ]
    for answer in answers:
        assert answer.is_success
        assert SECRET_NUMBER not in answer.text
        assert "79010000011" not in answer.text


async def test_the_same_key_is_one_call_and_with_another_body_none() -> None:
    callbacks = FakeCallbacks()
    async with client(callbacks) as web:
        first, again = [await web.post("/callbacks", json=BY_PARCEL, headers=KEY) for _ in range(2)]
        assert first.json() == again.json()
        other = await web.post("/callbacks", json=BY_PARCEL | {"parcel": "12"}, headers=KEY)
        assert problem(other) == (422, "key-reused")
    assert len(callbacks.placed) == 1


async def test_cancelling_tells_how_the_call_stands() -> None:
    async with client() as web:
        await web.post("/callbacks", json=BY_PARCEL, headers=KEY)
        answer = await web.delete("/callbacks/cb1")
        assert (answer.status_code, answer.json()["reason"]) == (200, "cancelled")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_anothers_call_is_as_unknown_as_one_that_never_was(method: str) -> None:
    callbacks = FakeCallbacks()
    async with client(callbacks, "eleven") as web:
        await web.post("/callbacks", json=BY_PARCEL, headers=KEY)
    async with client(callbacks) as web:
        anothers, nobodys = await web.request(method, "/callbacks/cb1"), await web.request(method, "/callbacks/cb2")
    assert problem(anothers) == problem(nobodys) == (404, "unknown-callback")
    assert anothers.text.replace("cb1", "cb2") == nobodys.text


async def test_a_couriers_token_names_no_other_courier() -> None:
    callbacks = FakeCallbacks()
    async with client(callbacks, "eleven") as web:
        answer = await web.post("/callbacks", json=BY_PARCEL | {"courier": "12"}, headers=KEY)
    assert problem(answer) == (403, "foreign-courier")
    assert not callbacks.placed


async def test_a_double_click_without_a_key_is_one_call_and_a_minute_later_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    callbacks, body = FakeCallbacks(), {"extension": "200", "to": "89161234567"}
    async with client(callbacks, "desk") as web:
        for minute in (0, 0, 1):
            now = datetime(2026, 11, 22, 12, minute, tzinfo=UTC)
            monkeypatch.setattr(callbacks_api, "_now", lambda now=now: now)
            answer = await web.post("/calls", json=body)
            assert answer.status_code == 202
            assert answer.headers["location"] == f"/api/v1/callbacks/cb{minute + 1}"
        await web.post("/calls", json=body | {"to": "89161234568"})
        assert (await web.get("/callbacks/cb1")).json()["courier"] is None
    assert callbacks.asked[0][:2] == (Asker("token:3"), Click("200", "89161234567"))
    assert len(callbacks.placed) == 3


async def test_a_click_after_a_call_that_has_ended_is_another_call() -> None:
    callbacks, body = FakeCallbacks(), {"extension": "200", "to": "89161234567"}
    async with client(callbacks, "desk") as web:
        for number in (1, 2, 3):
            answers = [await web.post("/calls", json=body) for _ in range(2)]
            assert {answer.json()["id"] for answer in answers} == {f"cb{number}"}
            ended = replace(callbacks.placed[f"cb{number}"], status=Status.FAILED, reason=Reason.BUSY)
            callbacks.placed[f"cb{number}"] = ended


async def test_a_click_under_a_key_of_its_own_is_placed_once_for_that_key() -> None:
    callbacks, body = FakeCallbacks(), {"extension": "200", "to": "89161234567"}
    async with client(callbacks, "desk") as web:
        for key in ("k7", "k7", "k8"):
            assert (await web.post("/calls", json=body, headers={"Idempotency-Key": key})).status_code == 202
    assert [key for _, _, key in callbacks.asked] == ["k7", "k7", "k8"]
    assert len(callbacks.placed) == 2


async def test_an_admin_joins_two_phones_to_see_whether_it_works() -> None:
    callbacks = FakeCallbacks()
    async with client(callbacks, "root") as web:
        answer = await web.post("/calls/test", json={"from": "200", "to": "201"})
        assert answer.status_code == 202
        assert (await web.get("/callbacks/cb1")).status_code == 200
    assert callbacks.asked[0][:2] == (Asker("token:5"), Test("200", "201"))


@pytest.mark.parametrize(
    ("path", "body", "allowed"),
    [
        ("/callbacks", BY_PARCEL, {"app", "eleven", "root"}),
        ("/calls", {"extension": "200", "to": "2"}, {"desk", "boss", "root"}),
        ("/calls/test", {"from": "200", "to": "201"}, {"root"}),
    ],
)
async def test_each_call_needs_its_scope(path: str, body: dict[str, str], allowed: set[str]) -> None:
    for token in ("app", "eleven", "desk", "boss", "root"):
        callbacks = FakeCallbacks()
        async with client(callbacks, token) as web:
            answer = await web.post(path, json=body, headers=KEY)
        if token in allowed:
            assert answer.status_code == 202
        else:
            assert problem(answer) == (403, "missing-scope")
            assert not callbacks.asked


def refuse(_wish: Wish) -> RefusedError:
    return RefusedError("courier-per-hour", 429, "Too many calls", "Courier 11 has 3 calls this hour.", 42)


async def test_a_refusal_is_a_problem_of_its_own_type_with_the_time_to_wait() -> None:
    async with client(FakeCallbacks(refuse)) as web:
        answer = await web.post("/callbacks", json=BY_PARCEL, headers=KEY)
    assert problem(answer) == (429, "courier-per-hour")
    assert answer.headers["retry-after"] == "42"
    assert answer.json() == {
        "type": "urn:waybell:problem:courier-per-hour",
        "title": "Too many calls",
        "status": 429,
        "detail": "Courier 11 has 3 calls this hour.",
        "instance": "/api/v1/callbacks",
    }
