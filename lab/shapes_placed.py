"""The shapes of calls that Waybell places, and of calls that the log does not hold whole."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from lab.callbacks import CallingStack
from lab.phone import NO_ANSWER, IncomingCall
from lab.scene import STRANGER, over, talk
from lab.stack import point_at
from lab.waybell_process import Section
from waybell.people.demo import COMPANY_NUMBER

_LONG = 175
BORIS, ANNA = "79010000011", "79161000001"

LIMITS: dict[str, Section] = {
    "callbacks": {"courier_at_once": 5, "destination_per_day": 1000, "courier_per_hour": 1000},
    "calls": {"company_number": COMPANY_NUMBER, "ring_seconds": 1},
}

PlacedScene = Callable[[CallingStack], Awaitable[None]]


async def callback(company: CallingStack) -> None:
    """A courier asks for a callback, presses a key and talks to the recipient, who hangs up."""
    await _ask(company)
    courier = await _confirm(company)
    recipient = await company.stack.provider.called(ANNA)
    await talk(recipient)
    await recipient.hangup()
    await over(courier)


async def callback_not_reached(company: CallingStack) -> None:
    """A courier asks for a callback; the recipient does not answer."""
    company.stack.provider.behaviours[ANNA] = NO_ANSWER
    await _ask(company)
    courier = await _confirm(company)
    recipient = await company.stack.provider.called(ANNA)
    await over(recipient, courier)


async def click_to_call(company: CallingStack) -> None:
    """An operator clicks, their own phone rings first, then the recipient's."""
    answer = await company.desk.http.post("/calls", json={"extension": "199", "to": ANNA})
    assert answer.status_code == 202, answer.text
    recipient = await company.stack.provider.called(ANNA)
    await talk(recipient)
    await recipient.hangup()
    operator = await company.stack.office.called("199")
    await over(operator)


async def log_begins_within_the_call(company: CallingStack) -> None:
    """A call was up when Asterisk began to write its event log."""
    stack = company.stack
    await stack.pbx.rx("module unload cel_custom.so")
    caller = await stack.provider.call(COMPANY_NUMBER, STRANGER)
    office = await stack.office.called("500")
    await talk(caller, office)
    await stack.pbx.rx("module load cel_custom.so")
    await talk(caller, office)
    await caller.hangup()
    await over(office)


async def event_log_switched_on(company: CallingStack) -> None:
    """A call was up when the admin switched the event log on; another one goes on a while after it."""
    stack = company.stack
    settings = stack.pbx.directory / "etc" / "cel.conf"
    on = settings.read_text()
    settings.write_text(on.replace("enable = yes", "enable = no"))
    await stack.pbx.rx("module reload cel")
    caller = await stack.provider.call(COMPANY_NUMBER, STRANGER)
    office = await stack.office.called("500")
    await talk(caller, office)
    settings.write_text(on)
    await stack.pbx.rx("module reload cel")
    await caller.hangup()
    await over(office)
    later = await stack.provider.call(COMPANY_NUMBER, STRANGER)
    await later.answered()
    await later.media.heard(_LONG, 10)
    await later.hangup()
    await over(await stack.office.called("500", 2))


async def killed(company: CallingStack) -> None:
    """Asterisk is killed with three calls up (inbound, callback, callback that rings its courier) and started again."""
    stack = company.stack
    await _ask(company)
    await _confirm(company)
    recipient = await stack.provider.called(ANNA)
    caller = await stack.provider.call(COMPANY_NUMBER, STRANGER)
    office = await stack.office.called("500")
    await talk(recipient, office)
    stack.provider.behaviours[BORIS] = NO_ANSWER
    await _ask(company)
    ringing = await stack.provider.called(BORIS, 2)
    await ringing.ringing()
    await stack.pbx.kill9()
    await stack.pbx.start_again()
    await point_at(stack.pbx, stack.agi_port)
    caller = await stack.provider.call(COMPANY_NUMBER, STRANGER)
    await talk(caller)
    await caller.hangup()


PLACED: dict[str, PlacedScene] = {
    scene.__name__: scene
    for scene in (
        callback,
        callback_not_reached,
        click_to_call,
        log_begins_within_the_call,
        event_log_switched_on,
        killed,
    )
}


async def _ask(company: CallingStack) -> str:
    return await company.app.placed(str(uuid.uuid4()), courier="11", parcel="10")


async def _confirm(company: CallingStack) -> IncomingCall:
    courier = await company.stack.provider.called(BORIS)
    await courier.answered()
    await courier.media.heard(15)
    await courier.send_dtmf("5")
    return courier
