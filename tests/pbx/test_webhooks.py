"""Webhooks through a real Asterisk and a real Waybell: whoever is to be told is told, whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from lab.callbacks import ALL_DAY, FINAL, PARTS, client, until_connected
from lab.phone import BUSY, Answer
from lab.receiver import Receiver, Reply
from lab.stack import Stack, running_stack
from lab.waybell_process import Section
from tests.pbx.faults.callers import ANNA, BORIS, DARIA, Callers
from tests.pbx.faults.event_log import rotate
from waybell.store.engine import make_engine
from waybell.store.webhook_tables import webhook_places
from waybell.webhooks.outbox import Outbox
from waybell.webhooks.service import utcnow
from waybell.webhooks.signature import is_genuine

pytestmark = pytest.mark.pbx

SECRET = "a secret that nobody else knows"
WHOLE = ["call.started", "call.routed", "call.answered", "call.ended"]
EVENTS = [*WHOLE, "call.missed", "callback.changed"]


@asynccontextmanager
async def company(directory: Path, receiver: Receiver, only: str = "agi,journal,webhooks") -> AsyncIterator[Stack]:
    """The demo company; everything that happens is told to ``receiver``."""
    hook = {"name": "crm", "url": receiver.url, "events": EVENTS, "secret": SECRET, "allow_private": True}
    changes: dict[str, Section] = {**ALL_DAY, "calls": {**ALL_DAY["calls"], "ring_seconds": 2}}
    async with running_stack(directory, changes=changes, only=only, webhooks=[hook]) as stack:
        await begun(stack)
        yield stack
        await stack.pbx.kill9()


async def begun(stack: Stack) -> None:
    """Returns once nothing that happens from now on is missed: the very first start goes on from nowhere."""
    engine = make_engine(f"sqlite+aiosqlite:///{stack.waybell.directory}/waybell.db")
    try:
        async with asyncio.timeout(15):
            while await _places(engine) < 2:  # noqa: ASYNC110 -- a table tells nobody
                await asyncio.sleep(0.05)
    finally:
        await engine.dispose()


async def _places(engine: AsyncEngine) -> int:
    with contextlib.suppress(OperationalError):  # not migrated yet
        async with engine.connect() as connection:
            return len((await connection.execute(select(webhook_places))).all())
    return 0


def told(receiver: Receiver) -> dict[str, list[str]]:
    """The types of events by what was dialled, in the order they came; each id once."""
    found: dict[str, list[str]] = defaultdict(list)
    seen = set()
    for one in receiver.received:
        event = one.event
        if event["id"] not in seen and "call" in event["data"]:
            seen.add(event["id"])
            found[event["data"]["call"]["dialed"]].append(event["type"])
    return found


async def test_a_call_is_told_as_cloud_events_that_are_signed(tmp_path: Path) -> None:
    async with Receiver() as receiver, company(tmp_path, receiver) as stack:
        placed = await Callers(stack).call(ANNA)
        await receiver.until(lambda now: len(now.received) >= len(WHOLE))
        assert told(receiver) == {placed.did: WHOLE}
        last = receiver.received[-1]
        event = last.event
        assert (event["specversion"], event["source"], event["type"]) == ("1.0", "/waybell/pbx1", "call.ended")
        assert event["subject"] == event["data"]["call"]["id"]
        assert (event["data"]["call"]["status"], event["data"]["complete"]) == ("answered", True)
        assert is_genuine(last.headers["waybell-signature"], SECRET, last.body, int(time.time()))


@pytest.mark.timeout(300)
async def test_nothing_is_lost_and_order_kept_while_waybell_is_killed_and_the_receiver_fails(tmp_path: Path) -> None:
    def shaky(_: object) -> Reply:
        return Reply(500 if len(receiver.received) % 7 == 3 else 200)

    async with Receiver(shaky) as receiver, company(tmp_path, receiver) as stack:
        callers = Callers(stack, talk=0.3)
        placing = asyncio.create_task(callers.in_turn([ANNA, DARIA] * 20, 0.15))
        for kill in range(4):
            await callers.begun((kill + 1) * 40 // 5)
            await stack.waybell.kill9()
            if kill == 2:
                rotate(stack.pbx.cel_path)
            await asyncio.sleep(0.1 * kill)
            await stack.waybell.start()
        await placing
        whole = {placed.did: WHOLE for placed in callers.log}
        # Each failure is a rest, and what a killed one had leased waits for the lease's end.
        await receiver.until(lambda _: told(receiver) == whole, 240)


async def test_how_far_a_callback_has_come_is_told(tmp_path: Path) -> None:
    async with Receiver() as receiver, company(tmp_path, receiver, f"{PARTS},webhooks") as stack:
        async with client(stack, "courier") as app, client(stack, "admin") as admin:
            await until_connected(admin)
            stack.provider.behaviours = {BORIS: BUSY, ANNA: Answer()}
            callback = await app.placed(str(uuid.uuid4()), courier="11", parcel="10")
            await app.until(callback, *FINAL)
            await receiver.until(
                lambda now: any(one.event["data"].get("callback", {}).get("status") == "failed" for one in now.received)
            )
        changes = [one.event for one in receiver.received if one.event["type"] == "callback.changed"]
        assert {event["subject"] for event in changes} == {callback}
        last = changes[-1]["data"]["callback"]
        assert (last["reason"], last["courier"], last["parcel"]) == ("busy", "11", "10")
        assert ANNA not in json.dumps(changes)


async def test_what_is_given_up_is_listed_and_sent_again_when_somebody_says_so(tmp_path: Path) -> None:
    async with Receiver(lambda _: Reply(500)) as receiver, company(tmp_path, receiver) as stack:
        await Callers(stack).call(ANNA)
        await receiver.until(lambda now: now.received)
        await stack.waybell.stop()
        await give_up(stack)
        code, out, errors = await stack.waybell.command("webhooks", "list", "--json")
        assert code == 0, errors
        document = json.loads(out)
        hook, dead = document["webhooks"][0], document["dead"]
        assert (hook["name"], hook["dead"], hook["waiting"]) == ("crm", 4, 0)
        assert SECRET not in out
        assert dead[-1]["status"] == 500
        code, out, _ = await stack.waybell.command("webhooks", "list")
        assert "webhooks retry" in out
        receiver.received.clear()
        receiver.reply = lambda _: Reply()
        await stack.waybell.start()
        code, out, errors = await stack.waybell.command("webhooks", "retry", "--all")
        assert (code, out) == (0, "4 events are sent again\n"), errors
        await receiver.until(lambda now: len(now.received) == 4)
        assert [one.event["type"] for one in receiver.received] == WHOLE
        code, _, errors = await stack.waybell.command("webhooks", "retry", "--all")
        assert (code, "nothing was given up" in errors) == (1, True)


async def give_up(stack: Stack) -> None:
    """As if three days had gone by."""
    engine = make_engine(f"sqlite+aiosqlite:///{stack.waybell.directory}/waybell.db")
    try:
        await Outbox(engine).tidy(utcnow(), timedelta(0), timedelta(days=7), timedelta(days=90))
    finally:
        await engine.dispose()
