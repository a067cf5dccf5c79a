"""Every shape that a call can take, played by real phones on the PBX of :func:`lab.shapes_pbx.shapes_pbx`.

Each function is one scene, from the first INVITE to the last BYE.
"""

from __future__ import annotations

from lab import shapes_transferred as transferred
from lab.phone import NO_ANSWER, Answer, Forward
from lab.scene import STRANGER, Scene, over, reach_office, ring, talk, until_event
from lab.stack import Stack
from lab.transfers import transfer
from waybell.people.demo import COMPANY_NUMBER


async def pick_up(stack: Stack) -> None:
    """500 rings; 199 takes the call with ``*8``."""
    stack.office.behaviours["500"] = NO_ANSWER
    caller = await stack.provider.call(COMPANY_NUMBER, STRANGER)
    rung = await stack.office.called("500")
    await rung.ringing()
    taker = await stack.office.call("*8", "199")
    await taker.answered()
    await over(rung)
    await talk(caller, taker)
    await caller.hangup()
    await over(taker)


async def park_and_retrieve(stack: Stack) -> None:
    """The office parks the caller; 199 fetches them."""
    caller, office = await reach_office(stack)
    await transfer(office, "700")
    await over(office)
    await until_event(stack, "PARK_START")
    taker = await stack.office.call("701", "199")
    await taker.answered()
    await talk(taker)
    await caller.hangup()
    await over(taker)


async def park_timeout(stack: Stack) -> None:
    """The office parks the caller, nobody fetches them, and the office rings again."""
    caller, office = await reach_office(stack)
    await transfer(office, "700")
    await over(office)
    again = await stack.office.called("500", 2, deadline=10)
    await talk(again)
    await caller.hangup()
    await over(again)


async def park_abandoned(stack: Stack) -> None:
    """The office parks the caller, who gives up."""
    caller, office = await reach_office(stack)
    await transfer(office, "700")
    await over(office)
    await until_event(stack, "PARK_START")
    await caller.hangup()


async def forward(stack: Stack) -> None:
    """500 sends every caller on to 101 (302)."""
    stack.office.behaviours["500"] = Forward("101")
    caller = await stack.provider.call("74950000613", STRANGER)
    taker = await stack.office.called("101")
    await talk(taker)
    await caller.hangup()
    await over(taker)


async def forward_not_followed(stack: Stack) -> None:
    """500 sends every caller on to 101 (302), and Waybell's own dialplan does not follow."""
    stack.office.behaviours["500"] = Forward("101")
    caller = await stack.provider.call(COMPANY_NUMBER, STRANGER)
    await caller.ended()


async def queue_answered(stack: Stack) -> None:
    """Three phones ring, one answers."""
    _queue(stack, "200")
    caller = await stack.provider.call("74950000600", STRANGER)
    taker = await stack.office.called("200")
    await stack.office.called("201")
    await stack.office.called("199")
    await talk(taker)
    await caller.hangup()
    await over(taker)


async def queue_abandoned(stack: Stack) -> None:
    """Three phones ring, and the caller gives up."""
    _queue(stack, "")
    caller = await stack.provider.call("74950000600", STRANGER)
    rung = [await stack.office.called(number) for number in ("199", "200", "201")]
    for phone in rung:
        await phone.ringing()
    await caller.hangup() if caller.is_answered else await caller.cancel()
    await over(*rung)


async def queue_of_local_channels(stack: Stack) -> None:
    """A queue whose members are behind Local channels."""
    _queue(stack, "200")
    caller = await stack.provider.call("74950000601", STRANGER)
    taker = await stack.office.called("200")
    await stack.office.called("199")
    await talk(taker)
    await caller.hangup()
    await over(taker)


async def local_optimised(stack: Stack) -> None:
    """A phone behind a Local channel, which Asterisk takes out of the way."""
    await _through(stack, "74950000610")


async def local_kept(stack: Stack) -> None:
    """A phone behind a Local channel that stays (``/n``)."""
    await _through(stack, "74950000611")


async def conference(stack: Stack) -> None:
    """A caller waits in a conference, two from the office come in, one leaves, then all do."""
    caller = await stack.provider.call("74950000620", STRANGER)
    await caller.answered()
    await talk(caller)
    first = await stack.office.call("620", "199")
    await talk(first)
    second = await stack.office.call("620", "200")
    await talk(second)
    await first.hangup()
    await talk(second)
    await caller.hangup()
    await second.hangup()


async def internal(stack: Stack) -> None:
    """One extension rings another."""
    calling, taker = await ring(stack, "199", "101")
    await calling.hangup()
    await over(taker)


SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        transferred.blind_transfer,
        transferred.blind_transfer_of_the_callee,
        transferred.blind_transfer_to_nobody,
        transferred.blind_transfer_outside,
        transferred.blind_by_keys,
        transferred.attended_transfer,
        transferred.attended_transfer_of_the_callee,
        transferred.attended_transfer_while_it_rings,
        transferred.attended_transfer_abandoned,
        transferred.attended_by_keys,
        transferred.attended_by_keys_abandoned,
        transferred.attended_by_keys_threeway,
        pick_up,
        park_and_retrieve,
        park_timeout,
        park_abandoned,
        forward,
        forward_not_followed,
        queue_answered,
        queue_abandoned,
        queue_of_local_channels,
        local_optimised,
        local_kept,
        conference,
        internal,
    )
}


async def _through(stack: Stack, did: str) -> None:
    caller = await stack.provider.call(did, STRANGER)
    taker = await stack.office.called("500")
    await talk(taker)
    await caller.hangup()
    await over(taker)


def _queue(stack: Stack, answering: str) -> None:
    stack.office.default = NO_ANSWER
    if answering:
        stack.office.behaviours[answering] = Answer(after=0.5)
