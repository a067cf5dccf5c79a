"""Killed with ``SIGKILL`` before and after every single step: never two calls for one key, and none that nobody ends.

Waybell is a process of its own each time (:mod:`tests.loopback.callbacks.mortal`); the telephones are here, so what has
rung is counted by somebody who survives.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.mariadb import MariaDB
from tests.loopback.callbacks.lives import Lives, Telephones
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

MOST_STEPS = 200
# Long enough for a call to be missed in Asterisk's list of channels.
LATER, MUCH_LATER = 10.0, 20.0
DATABASES = ["sqlite", pytest.param("asyncmy", marks=pytest.mark.mariadb)]


@pytest.fixture(params=DATABASES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that is ready, in a file and in MariaDB."""
    url = f"sqlite+aiosqlite:///{tmp_path}/waybell.db"
    if request.param != "sqlite":
        server: MariaDB = request.getfixturevalue("mariadb")
        url = server.database().store(request.param)
    engine = make_engine(url)
    await migrate(engine)
    await engine.dispose()
    return url


@pytest.fixture
async def phones() -> AsyncIterator[Telephones]:
    async with Telephones() as all_of_them:
        yield all_of_them


@pytest.fixture
async def lives(store: str, phones: Telephones) -> AsyncIterator[Lives]:
    async with Lives(store, phones) as one_after_the_other:
        yield one_after_the_other


@pytest.fixture
async def another(store: str, phones: Telephones) -> AsyncIterator[Lives]:
    """A second instance."""
    async with Lives(store, phones) as beside_it:
        yield beside_it


def check_where_they_died(lives: Lives, *at: str) -> None:
    """Every one of the steps ``at`` was somebody's last, and the whole is told."""
    print(f"killed at {len(lives.died_at)} steps: {', '.join(lives.died_at)}")
    assert set(at) <= set(lives.died_at)


async def finished(lives: Lives, phones: Telephones, key: str) -> None:
    """Whatever was left of the call under ``key``: its phone rings once at most, and once that ends all is over."""
    [call, _, under_way] = await lives.restarted(("request", key), ("check",), ("under_way",), ahead=LATER)
    await phones.settled()
    assert len(phones.rung) <= 1
    if call == 503:
        assert (phones.rung, under_way) == ([], [])
        return
    assert phones.rung in ([], [call["id"]])
    assert [one["id"] for one in under_way] == phones.rung, "it is under way as long as its phone rings, no longer"
    phones.alive.clear()
    [_, again, under_way] = await lives.restarted(("check",), ("request", key), ("under_way",), ahead=MUCH_LATER)
    assert (again["id"], again["status"], again["reason"]) == (call["id"], "failed", "unknown")
    assert (len(phones.rung) <= 1, under_way) == (True, [])


async def test_killed_at_any_step_of_a_request_and_asked_again_no_more_than_one_phone_rings(
    lives: Lives, phones: Telephones
) -> None:
    for step in range(1, MOST_STEPS):
        phones.originated.clear()
        life = await lives.live(("request", f"key {step}"), dies_at=step)
        await finished(lives, phones, f"key {step}")
        if not life.killed:
            break
    assert not life.killed
    assert phones.rung == [life.gave[0]["id"]]
    ringing = ("HTTP send_request_headers.started", "HTTP send_request_body.complete", "HTTP response_closed.complete")
    check_where_they_died(lives, "after INSERT INTO callbacks", "before COMMIT", "after COMMIT", *ringing)
    assert len(lives.died_at) >= 40


async def test_killed_in_the_retry_too_no_more_than_one_phone_rings(lives: Lives, phones: Telephones) -> None:
    chance = random.Random(7)
    for number in range(25):
        phones.originated.clear()
        await lives.live(("request", f"key {number}"), dies_at=chance.randint(1, 50))
        await lives.live(("request", f"key {number}"), ("check",), dies_at=chance.randint(1, 50))
        await finished(lives, phones, f"key {number}")
    check_where_they_died(lives)
    assert len(lives.died_at) >= 40


async def cancelled(lives: Lives, phones: Telephones, key: str) -> None:
    """The call under ``key`` was to be taken back: told so once more, it is, and no phone goes on ringing."""
    request, check, under_way = ("request", key), ("check",), ("under_way",)
    [_, call] = await lives.restarted(check, request, ahead=LATER)
    if call["reason"] == "cancelled":
        assert phones.alive == set(), "it is told cancelled, and rings"
    await lives.restarted(("cancel", call["id"]), ahead=LATER)
    [_, call, left] = await lives.restarted(check, request, under_way, ahead=MUCH_LATER)
    assert (call["status"], left, phones.alive) == ("failed", [], set())
    assert call["reason"] == ("cancelled" if call["id"] in phones.rung else "unknown")


async def test_killed_at_any_step_of_a_cancel_the_phone_stops_once_the_call_is_told_cancelled(
    lives: Lives, phones: Telephones
) -> None:
    for step in range(1, MOST_STEPS):
        [call] = await lives.restarted(("request", f"key {step}"))
        life = await lives.live(("cancel", call["id"]), dies_at=step)
        await cancelled(lives, phones, f"key {step}")
        if not life.killed:
            break
    assert not life.killed
    assert len(phones.rung) == step
    check_where_they_died(lives, "after COMMIT", "HTTP send_request_body.complete", "HTTP response_closed.complete")
    assert len(lives.died_at) >= 20


async def test_killed_at_any_step_of_a_request_that_is_taken_back_before_it_rings_no_phone_goes_on_ringing(
    lives: Lives, another: Lives, phones: Telephones
) -> None:
    async def take_back(call: str) -> None:
        [told] = (await another.live(("cancel", call))).gave
        assert told["reason"] == "cancelled"

    for step in range(1, MOST_STEPS):
        phones.originated.clear()
        phones.meanwhile = take_back
        life = await lives.live(("request", f"key {step}"), dies_at=step)
        await phones.settled()
        phones.meanwhile = None
        await cancelled(lives, phones, f"key {step}")
        assert len(phones.rung) <= 1
        if not life.killed:
            break
    assert not life.killed
    assert phones.deleted
    check_where_they_died(lives, "HTTP send_request_body.complete", "HTTP response_closed.complete")
    assert len(lives.died_at) >= 50


async def test_killed_at_any_step_of_going_on_to_the_next_line_each_is_rung_once_at_most(
    lives: Lives, phones: Telephones
) -> None:
    check, under_way = ("check",), ("under_way",)
    for step in range(1, MOST_STEPS):
        phones.originated.clear()
        request = ("request", f"key {step}")
        [call] = await lives.restarted(request)
        [first] = phones.alive
        phones.alive.clear()
        life = await lives.live(("line_failed", first), dies_at=step)
        [_, _, left] = await lives.restarted(request, check, under_way, ahead=LATER)
        rung = [body["channelId"] for body in phones.originated]
        assert rung in ([first], [first, f"{first}.2"])
        assert (len(left), phones.alive) == (len(rung) - 1, set(rung[1:]))
        phones.alive.clear()
        [_, again, left] = await lives.restarted(check, request, under_way, ahead=MUCH_LATER)
        assert (again["id"], again["status"], again["reason"], left) == (call["id"], "failed", "unknown", [])
        assert len(phones.rung) == len(rung)
        if not life.killed:
            break
    assert not life.killed
    assert len(phones.rung) == 2
    check_where_they_died(lives, "after COMMIT", "HTTP send_request_body.complete", "HTTP response_closed.complete")
    assert len(lives.died_at) >= 20
