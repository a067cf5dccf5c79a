"""Transfers, with the phone's own means (REFER) and with keys, by either side of a call."""

from __future__ import annotations

from lab.dialog import OutgoingCall
from lab.phone import NO_ANSWER, Answer, IncomingCall
from lab.scene import CUSTOMER, STRANGER, over, reach_office, ring, ring_customer, talk
from lab.stack import Stack
from lab.transfers import join, transfer


async def blind_transfer(stack: Stack) -> None:
    """A caller talks to the office, which sends them on to 101."""
    caller, office = await reach_office(stack)
    await transfer(office, "101")
    taker = await stack.office.called("101")
    await talk(taker)
    await caller.hangup()
    await over(office, taker)


async def blind_transfer_of_the_callee(stack: Stack) -> None:
    """The office rings a customer and sends them on to 101."""
    office, customer = await ring_customer(stack)
    await transfer(office, "101")
    taker = await stack.office.called("101")
    await talk(taker)
    await customer.hangup()
    await over(office, taker)


async def blind_transfer_to_nobody(stack: Stack) -> None:
    """A caller who talked to the office is sent on to 101 and gives up while it rings."""
    caller, office = await reach_office(stack)
    stack.office.behaviours["101"] = NO_ANSWER
    await transfer(office, "101")
    taker = await stack.office.called("101")
    await taker.ringing()
    await caller.hangup()
    await over(office, taker)


async def blind_transfer_outside(stack: Stack) -> None:
    """A caller talks to the office, which sends them on to a customer's phone behind the trunk."""
    caller, office = await reach_office(stack)
    await transfer(office, CUSTOMER)
    taker = await stack.provider.called(CUSTOMER)
    await talk(taker)
    await taker.hangup()
    await over(office, caller)


async def blind_by_keys(stack: Stack) -> None:
    """A caller talks to 500, who presses ``#1`` and 101."""
    caller = await stack.provider.call("74950000612", STRANGER)
    office = await stack.office.called("500")
    await talk(caller, office)
    await office.send_dtmf("#1101")
    taker = await stack.office.called("101", deadline=10)
    await talk(taker)
    await caller.hangup()
    await over(office, taker)


async def attended_transfer(stack: Stack) -> None:
    """The office asks 101 on a second call, then joins the caller with 101."""
    caller, office = await reach_office(stack)
    asking, taker = await ring(stack, "500", "101")
    await join(office, asking)
    await over(office, asking)
    await talk(taker)
    await caller.hangup()
    await over(taker)


async def attended_transfer_of_the_callee(stack: Stack) -> None:
    """The office rings a customer, asks 101 on a second call and joins the two."""
    office, customer = await ring_customer(stack)
    asking, taker = await ring(stack, "500", "101")
    await join(office, asking)
    await over(office, asking)
    await talk(taker)
    await customer.hangup()
    await over(taker)


async def attended_transfer_while_it_rings(stack: Stack) -> None:
    """The office joins the caller with 101 before 101 has answered."""
    caller, office = await reach_office(stack)
    stack.office.behaviours["101"] = NO_ANSWER
    asking = await stack.office.call("101", "500")
    taker = await stack.office.called("101")
    await asking.ringing()
    # A phone can join only calls that are up: what it does while the other rings is a blind transfer.
    await asking.cancel()
    await taker.ended()
    stack.office.behaviours["101"] = Answer()
    await transfer(office, "101")
    taker = await stack.office.called("101", 2)
    await talk(taker)
    await caller.hangup()
    await over(office, taker)


async def attended_transfer_abandoned(stack: Stack) -> None:
    """The office asks 101 on a second call, hangs that up and goes on with the caller."""
    caller, office = await reach_office(stack)
    asking, taker = await ring(stack, "500", "101")
    await asking.hangup()
    await over(taker)
    await talk(caller)
    await caller.hangup()
    await over(office)


async def attended_by_keys(stack: Stack) -> None:
    """The office presses ``*2`` and 101, asks 101 and hangs up: the caller goes on with 101."""
    caller, office, taker = await _ask_by_keys(stack)
    await office.hangup()
    await talk(taker)
    await caller.hangup()
    await over(taker)


async def attended_by_keys_abandoned(stack: Stack) -> None:
    """The office presses ``*2`` and 101; 101 hangs up and the office goes on with the caller."""
    caller, office, taker = await _ask_by_keys(stack)
    await taker.hangup()
    await talk(caller)
    await caller.hangup()
    await over(office)


async def attended_by_keys_threeway(stack: Stack) -> None:
    """The office presses ``*2`` and 101, then ``*3``: all three talk."""
    caller, office, taker = await _ask_by_keys(stack)
    await office.send_dtmf("*3")
    await talk(caller, taker)
    await caller.hangup()
    await taker.hangup()
    await over(office)


async def _ask_by_keys(stack: Stack) -> tuple[OutgoingCall, IncomingCall, IncomingCall]:
    caller = await stack.provider.call("74950000612", STRANGER)
    office = await stack.office.called("500")
    await talk(caller, office)
    await office.send_dtmf("*2101")
    taker = await stack.office.called("101", deadline=10)
    await talk(taker)
    return caller, office, taker
