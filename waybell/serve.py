"""The one place that puts Waybell together: doors, rooms, and how they start and stop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from importlib.metadata import version
from ipaddress import IPv4Network, IPv6Network

import structlog
import uvicorn
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
from waybell.settings import Settings
from web_app.app import build_app

PARTS = ("agi", "journal", "web")
_GRACE_SECONDS = 5.0


def run(settings: Settings, only: Collection[str] = PARTS) -> None:
    """Runs the parts named by ``only`` until SIGTERM or SIGINT. Raises :class:`SettingsError` before that."""
    unknown = sorted(set(only) - set(PARTS))
    if unknown or not only:
        raise SettingsError(f"--only: {', '.join(unknown) or 'nothing'}: allowed are {', '.join(PARTS)}")
    set_up_logs(settings.log.level, settings.log.format)
    uvloop.run(_serve(settings, frozenset(only)))


async def _serve(settings: Settings, only: frozenset[str]) -> None:
    log = structlog.get_logger("waybell")
    stopping = _stop_signal()
    registry = CollectorRegistry()
    async with AsyncExitStack() as stack:
        if "journal" in only:
            await stack.enter_async_context(wiring.journal(settings))
        if "agi" in only:
            server = await stack.enter_async_context(_agi(settings))
            registry.register(AgiCollector(server.counters))
        if "web" in only:
            await stack.enter_async_context(_web(settings, registry, only))
        log.info("ready", parts=",".join(sorted(only)), crm=_shown(settings.crm.url), store=_shown(settings.store.url))
        tell_supervisor("READY=1")
        await stopping.wait()
        log.info("stopping: no new work is taken, what runs is finished", seconds_at_most=_GRACE_SECONDS)
        tell_supervisor("STOPPING=1")


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


@asynccontextmanager
async def _agi(settings: Settings) -> AsyncIterator[AgiServer]:
    chosen = settings.agi
    flow = wiring.flow(settings)
    host, port = _address(chosen.listen)
    allowed: tuple[IPv4Network | IPv6Network, ...] | None = chosen.allow_remote or None
    async with wiring.people(settings) as people:
        steps = Steps(flow, people, wiring.dialling(settings))
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
async def _web(settings: Settings, registry: CollectorRegistry, parts: frozenset[str]) -> AsyncIterator[None]:
    async def ready() -> dict[str, bool]:
        return dict.fromkeys(sorted(parts), True)

    host, port = _address(settings.web.listen)
    app = build_app(ready, registry, version("waybell"))
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, lifespan="off")
    server = _WebServer(config)
    listening = _listen(settings.web.listen, host, port)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


class _WebServer(uvicorn.Server):
    """Uvicorn without signal handlers of its own: stopping is decided in one place."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


def _listen(shown: str, host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SettingsError(f"web.listen: {shown} cannot be opened: {error.strerror}") from None


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
