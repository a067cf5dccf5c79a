"""``waybell call --test FROM TO``: joins two phones, says each step as it happens and in plain words what failed."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import typer

from waybell.callbacks.ports import PbxRefusedError, PbxUnavailableError
from waybell.callbacks.service import CallbackService
from waybell.callbacks.values import Asker, Callback, Reason, RefusedError, Side, Status, Test
from waybell.cli.options import AsJson, Config, console, print_json, settings_for_command
from waybell.settings import Settings

FAILED = 1
_CONNECT_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_LONGEST_SECONDS = 300.0

_STEPS = {
    Status.CALLING_COURIER: "ringing {first}",
    Status.CONFIRMING: "{first} answered",
    Status.CALLING_RECIPIENT: "ringing {second}",
    Status.TALKING: "{second} answered: the two are joined",
    Status.DONE: "done: they have talked",
}
_REASONS = {
    Reason.NO_ANSWER: "did not answer",
    Reason.BUSY: "is busy",
    Reason.REFUSED: "refused the call",
    Reason.UNREACHABLE: "cannot be reached: is the number right, and the line of calls.lines or calls.phone_dial?",
    Reason.HUNG_UP: "hung up before the other one was reached",
    Reason.CANCELLED: "was not rung to the end: the test was taken back",
    Reason.NOT_CONFIRMED: "answered and pressed no key",
    Reason.INTERRUPTED: "was cut off: Asterisk was started anew",
    Reason.UNKNOWN: "has no known outcome: the connection to Asterisk was lost",
}


def call_command(
    caller: Annotated[str, typer.Argument(metavar="FROM", help="the phone that rings first: a number or an extension")],
    to: Annotated[str, typer.Argument(metavar="TO", help="the phone that it is joined with")],
    test: Annotated[bool, typer.Option("--test", help="must be given: two phones ring")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Joins two phones to see whether calls can be placed; needs --test."""
    if not test:
        print("waybell: call: two phones would ring; say that this is meant with --test", file=sys.stderr)
        sys.exit(2)
    settings = settings_for_command(config)
    out = console()
    tell = (lambda _line: None) if as_json else lambda line: out.print(line, markup=False)
    document = asyncio.run(_trial(settings, Test(caller, to), tell))
    if as_json:
        print_json(document)
    sys.exit(0 if document["ok"] else FAILED)


async def _trial(settings: Settings, wish: Test, tell: object) -> dict[str, object]:
    assert callable(tell)
    steps: list[str] = []

    def step(line: str) -> None:
        steps.append(line)
        tell(line)

    try:
        async with _placing(settings) as service:
            step("Asterisk answers")
            call = await service.request(Asker("command line"), wish, secrets.token_hex(8))
            try:
                call = await _follow(service, call, step)
            finally:
                await service.cancel(Asker("command line"), call.id)  # nothing to do once it has ended
    except RefusedError as refusal:
        step(f"not placed: {refusal.detail}")
        return {"ok": False, "status": "refused", "reason": refusal.type, "steps": steps}
    except (PbxUnavailableError, PbxRefusedError) as error:
        step(f"failed: {error}")
        return {"ok": False, "status": "failed", "reason": "pbx_unavailable", "steps": steps}
    return {"ok": call.status is Status.DONE, "status": call.status.value, "reason": call.reason, "steps": steps}


@asynccontextmanager
async def _placing(settings: Settings) -> AsyncIterator[CallbackService]:
    """A service of this command's own, beside the one that runs. Raises what keeps Asterisk from answering."""
    from ari_app.access import Access
    from ari_app.client import AriClient
    from ari_app.listener import AriListener
    from ari_app.supervise import CallSupervisor
    from waybell import calling
    from waybell.people.crm import open_people
    from waybell.store.migrate import migrate

    chosen, stop = settings.ari, asyncio.Event()
    app = f"{chosen.app}-test-{secrets.token_hex(4)}"
    crm = open_people(settings.crm.url, settings.crm.queries, settings.crm.deadline, 1)
    async with (
        AriClient(Access(chosen.url, chosen.user, chosen.password.get_secret_value(), app)) as client,
        calling.service(settings, crm, client) as placed,
    ):
        await client.started_at()  # says what is wrong, where it is: password, address, no Asterisk
        await migrate(placed.engine)
        access = Access(chosen.url, chosen.user, chosen.password.get_secret_value(), app)
        listener = AriListener(access, CallSupervisor(placed.service), client.subscribe)
        placed.connected = lambda: listener.connected
        task = asyncio.create_task(listener.run(stop))
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    while not listener.connected:  # noqa: ASYNC110 - the listener has no event for it
                        await asyncio.sleep(_LOOK_SECONDS / 10)
            yield placed.service
        finally:
            stop.set()
            await task


async def _follow(service: CallbackService, call: Callback, step: object) -> Callback:
    assert callable(step)
    names = {"first": call.plan.first.number, "second": call.plan.second.number}
    told: set[Status] = set()
    async with asyncio.timeout(_LONGEST_SECONDS):
        while True:
            for status in _passed(call):
                if status not in told:
                    told.add(status)
                    step(_STEPS[status].format(**names))
            if call.status is Status.FAILED:
                step(f"failed: {_failure(call)}")
            if call.is_final:
                return call
            await asyncio.sleep(_LOOK_SECONDS)
            call = await service.get(Asker("command line"), call.id) or call


def _passed(call: Callback) -> list[Status]:
    """What has happened so far; between two looks it may be more than one thing."""
    happened = {
        Status.CALLING_COURIER: call.status is not Status.REQUESTED,
        Status.CONFIRMING: call.first_answered_at is not None,
        Status.CALLING_RECIPIENT: call.second_rung_at is not None,
        Status.TALKING: call.second_answered_at is not None,
        Status.DONE: call.status is Status.DONE,
    }
    return [status for status, so in happened.items() if so]


def _failure(call: Callback) -> str:
    plan = call.plan
    number = plan.second.number if call.side is Side.SECOND else plan.first.number
    causes = [f"SIP {call.sip_cause}"] if call.sip_cause else []
    causes += [f"cause {call.cause}"] if call.cause else []
    shown = f" ({', '.join(causes)})" if causes else ""
    return f"{number} {_REASONS[call.reason or Reason.UNKNOWN]}{shown}"
