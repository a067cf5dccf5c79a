"""The one place that puts Waybell together: doors, rooms, and how they start and stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Collection
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import structlog
import uvloop
from prometheus_client import CollectorRegistry
from sqlalchemy.engine import make_url

from waybell import doors, wiring
from waybell.configuration import SettingsError
from waybell.logs import set_up_logs
from waybell.metrics import CrmCollector, DoorCollector, JournalCollector
from waybell.open_files import make_room
from waybell.parts import PARTS
from waybell.people.check import check
from waybell.people.crm import SqlPeople
from waybell.settings import Settings

if TYPE_CHECKING:
    from waybell.callbacks.service import CallbackService


def run(settings: Settings, only: Collection[str] = PARTS) -> None:
    """Runs the parts named by ``only`` until SIGTERM or SIGINT. Raises :class:`SettingsError` before that, and what
    :func:`waybell.wiring.crm` and :func:`waybell.wiring.flow` raise.
    """
    unknown = sorted(set(only) - set(PARTS))
    if unknown or not only:
        raise SettingsError(f"--only: {', '.join(unknown) or 'nothing'}: allowed are {', '.join(PARTS)}")
    set_up_logs(settings.log.level, settings.log.format)
    make_room(settings.agi.max_connections, settings.crm.connections)
    uvloop.run(_serve(settings, frozenset(only)))


async def _serve(settings: Settings, only: frozenset[str]) -> None:
    log = structlog.get_logger("waybell")
    stopping = _stop_signal()
    registry = CollectorRegistry()
    health: doors.Health = {}
    async with AsyncExitStack() as stack:
        if "journal" in only:
            keeper = await stack.enter_async_context(wiring.journal(settings))
            health["journal"] = lambda: keeper.well
            registry.register(JournalCollector(keeper))
        crm: SqlPeople | None = None
        if only & {"agi", "ari"}:
            crm = await stack.enter_async_context(wiring.crm(settings))
            health["crm"] = lambda: not crm.down
            registry.register(CrmCollector(crm))
            asking = asyncio.create_task(_tell_findings(crm))
            stack.callback(asking.cancel)
        if "agi" in only and crm:
            server = await stack.enter_async_context(doors.agi(settings, wiring.cached(settings, crm)))
            registry.register(DoorCollector("agi", server.counters))
        service: CallbackService | None = None
        if "ari" in only and crm:
            service = await stack.enter_async_context(doors.ari(settings, crm, health, registry))
        if service and settings.missed.ring:
            from waybell.reminding import reminding

            await stack.enter_async_context(reminding(settings, service))
        if "web" in only:
            await stack.enter_async_context(doors.web(settings, registry, health, service))
        if "ami" in only and service:
            await stack.enter_async_context(doors.ami(settings, registry, service))
        if "webhooks" in only and settings.webhooks:
            from waybell.webhooks.service import webhooks  # only where somebody is told

            await stack.enter_async_context(webhooks(settings, wiring.normalise(settings)))
        log.info("ready", **_places(settings, only), crm=_shown(settings.crm.url), store=_shown(settings.store.url))
        # What has been made so far stays to the end: the collector need not look at it again with every call.
        gc.collect()
        gc.freeze()
        tell_supervisor("READY=1")
        await stopping.wait()
        log.info("stopping: no new work is taken, what runs is finished", seconds_at_most=doors.GRACE_SECONDS)
        tell_supervisor("STOPPING=1")


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def _tell_findings(crm: SqlPeople) -> None:
    """What is wrong with the CRM's queries, by file and column, once at the start; calls do not wait for it."""
    for finding in await check(crm):
        structlog.get_logger("crm").error(finding.what, problem=finding.problem, what_to_do=finding.remedy)


def _places(settings: Settings, only: Collection[str]) -> dict[str, str]:
    """Which parts run, and where the doors are."""
    places = {"agi": settings.agi.listen, "web": settings.web.listen, "ami": settings.ami.listen}
    open_ = {part: str(place) for part, place in places.items() if part in only and place}
    return {"parts": ",".join(part for part in PARTS if part in only), **open_}


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def tell_supervisor(message: str) -> None:
    """systemd's notification protocol (sd_notify): where ``$NOTIFY_SOCKET`` is set, says that we are ready.

    A supervisor that no longer listens is no reason to end differently.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.connect("\0" + address[1:] if address.startswith("@") else address)
        notify.send(message.encode())
