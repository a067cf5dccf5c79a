"""What the scenes of the laboratory are made of. Nothing in them depends on how quick the machine is: people talk until
so many packets of sound were heard.
"""

from __future__ import annotations

import csv
from collections.abc import Awaitable, Callable

from lab.dialog import Dialog, OutgoingCall
from lab.phone import Answer, IncomingCall
from lab.stack import Stack
from lab.watch import until_file
from waybell.people.demo import COMPANY_NUMBER

STRANGER, CUSTOMER = "79990000000", "79161000009"
PACKETS = 25
"""Of 20 ms each."""

Scene = Callable[[Stack], Awaitable[None]]


async def play(stack: Stack, scene: Callable[[], Awaitable[None]]) -> str:
    """Play ``scene`` with rested phones; what Asterisk's event log has of it, once all its channels are gone."""
    for phone in (stack.provider, stack.office):
        phone.calls.clear()
        phone.behaviours.clear()
        phone.default = Answer(after=0.3)
    path = stack.pbx.cel_path
    before = path.stat().st_size if path.exists() else 0
    await scene()

    def rested(_: str) -> str | None:
        log = path.read_bytes()[before:].decode()
        return log if _is_over(log) else None

    return await until_file(path, rested, 10)


def _is_over(log: str) -> bool:
    """Whether every channel that began has hung up, not counting those of an Asterisk that was killed."""
    rows = list(csv.reader(log.splitlines()))
    first = [number for number, row in enumerate(rows) if row[0] == "CHAN_START" and row[15].endswith(".0")]
    anew = max(first, default=0)
    kinds = [row[0] for row in rows[anew:]]
    return kinds.count("LINKEDID_END") > 0 and kinds.count("CHAN_START") <= kinds.count("HANGUP")


async def talk(*calls: Dialog) -> None:
    """Returns when each of ``calls`` has been up and heard :data:`PACKETS` more of the other side."""
    for call in calls:
        await call.answered()
        await call.media.heard(call.media.received + PACKETS, 10)


async def over(*calls: Dialog) -> None:
    """Returns when ``calls`` have ended."""
    for call in calls:
        await call.ended(10)


async def until_event(stack: Stack, event: str) -> None:
    """Returns once the event log has an ``event`` of the call just made."""
    await until_file(stack.pbx.cel_path, lambda log: f'"{event}","' in log[max(0, log.rfind("LINKEDID_END")) :])


async def reach_office(stack: Stack) -> tuple[OutgoingCall, IncomingCall]:
    """A caller who talks to the office."""
    caller = await stack.provider.call(COMPANY_NUMBER, STRANGER)
    office = await stack.office.called("500")
    await talk(caller, office)
    return caller, office


async def ring_customer(stack: Stack) -> tuple[OutgoingCall, IncomingCall]:
    """The office rings a customer and talks to them."""
    office = await stack.office.call(CUSTOMER, "500")
    customer = await stack.provider.called(CUSTOMER)
    await talk(office, customer)
    return office, customer


async def ring(stack: Stack, caller: str, to: str) -> tuple[OutgoingCall, IncomingCall]:
    """One extension rings another, and they talk."""
    calling = await stack.office.call(to, caller)
    taker = await stack.office.called(to)
    await talk(calling, taker)
    return calling, taker
