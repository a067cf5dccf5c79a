"""The one place that puts Waybell together: doors, rooms, and how they start and stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib.metadata import version
from ipaddress import IPv4Network, IPv6Network

import structlog
import uvloop
from prometheus_client import CollectorRegistry
from sqlalchemy.engine import make_url

from agi_app.limits import Limits
from agi_app.metrics import AgiCollector
from agi_app.server import AgiServer
from agi_app.steps import Steps
from waybell import wiring
from waybell.configuration import SettingsError
from waybell.logs import set_up_logs
from waybell.metrics import CrmCollector, JournalCollector
from waybell.open_files import WEB_CONNECTIONS, make_room
from waybell.parts import PARTS
from waybell.people.check import check
from waybell.people.crm import SqlPeople
from waybell.people.values import People
from waybell.settings import Settings

# With the journal's last words (4 s) all of them together end before systemd's TimeoutStopSec of 15 s.
_GRACE_SECONDS = 5.0
_WEB_GRACE_SECONDS = 2

Health = dict[str, Callable[[], bool]]
"""For each part that can be unwell, whether it is well just now."""


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
    health: Health = {}
    async with AsyncExitStack() as stack:
        if "journal" in only:
            keeper = await stack.enter_async_context(wiring.journal(settings))
            health["journal"] = lambda: keeper.well
            registry.register(JournalCollector(keeper))
        if "agi" in only:
            crm = await stack.enter_async_context(wiring.crm(settings))
            health["crm"] = lambda: not crm.down
            registry.register(CrmCollector(crm))
            asking = asyncio.create_task(_tell_findings(crm))
            stack.callback(asking.cancel)
            server = await stack.enter_async_context(_agi(settings, wiring.cached(settings, crm)))
            registry.register(AgiCollector(server.counters))
        if "web" in only:
            await stack.enter_async_context(_web(settings, registry, health))
        log.info("ready", parts=",".join(sorted(only)), crm=_shown(settings.crm.url), store=_shown(settings.store.url))
        # What has been made so far stays to the end: the collector need not look at it again with every call.
        gc.collect()
        gc.freeze()
        tell_supervisor("READY=1")
        await stopping.wait()
        log.info("stopping: no new work is taken, what runs is finished", seconds_at_most=_GRACE_SECONDS)
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


@asynccontextmanager
async def _agi(settings: Settings, people: People) -> AsyncIterator[AgiServer]:
    chosen = settings.agi
    host, port = _address(chosen.listen)
    allowed: tuple[IPv4Network | IPv6Network, ...] | None = chosen.allow_remote or None
    steps = Steps(wiring.flow(settings), people, wiring.dialling(settings))
    limits = Limits(max_connections=chosen.max_connections, session_seconds=chosen.session_seconds)
    server = AgiServer(steps, host=host, port=port, limits=limits, allowed=allowed)
    try:
        await server.start()
    except OSError as error:
        raise SettingsError(f"agi.listen: {chosen.listen} cannot be opened: {error.strerror}") from None
    try:
        yield server
    finally:
        await server.stop(_GRACE_SECONDS)


@asynccontextmanager
async def _web(settings: Settings, registry: CollectorRegistry, health: Health) -> AsyncIterator[None]:
    # Only where it is wanted: the web server takes 10 MB.
    from web_app.app import build_app
    from web_app.door import Door
    from web_app.server import REQUEST_SECONDS, listen, serving

    async def ready() -> dict[str, bool]:
        return {part: well() for part, well in health.items()}

    try:
        listening = listen(*_address(settings.web.listen))
    except OSError as error:
        raise SettingsError(f"web.listen: {settings.web.listen} cannot be opened: {error.strerror}") from None
    app, door = build_app(ready, registry, version("waybell")), Door(WEB_CONNECTIONS, REQUEST_SECONDS)
    async with serving(app, listening, door, grace=_WEB_GRACE_SECONDS):
        yield


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


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
