"""The doors put together with what stands behind them: each a context manager that opens and shuts one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from agi_app.limits import Limits
from agi_app.server import AgiServer
from agi_app.steps import Steps
from waybell import wiring
from waybell.callbacks.line_room import LineRoom
from waybell.callbacks.store import CallbackStore
from waybell.configuration import SettingsError
from waybell.metrics import DoorCollector
from waybell.open_files import WEB_CONNECTIONS
from waybell.people.crm import SqlPeople
from waybell.people.values import People
from waybell.settings import Settings
from waybell.store.engine import make_engine

if TYPE_CHECKING:
    from waybell.callbacks.service import CallbackService
    from waybell.tokens.service import Tokens
    from web_app.app import Api
    from web_app.attempts_api import Attempts
    from web_app.auth import Authenticate

# With the journal's last words (4 s) all of them together end before systemd's TimeoutStopSec of 15 s.
GRACE_SECONDS = 5.0
_WEB_GRACE_SECONDS = 2
_RETRY_SECONDS = 2
# A step of a call may take 2 s in all (agi.session_seconds).
_ROOM_SECONDS = 0.7

Health = dict[str, Callable[[], bool]]
"""For each part that can be unwell, whether it is well just now."""


@asynccontextmanager
async def agi(settings: Settings, people: People) -> AsyncIterator[AgiServer]:
    """Asterisk's dialplan asks here. Raises :class:`SettingsError` when the address cannot be had."""
    chosen = settings.agi
    host, port = _address(chosen.listen)
    allowed: tuple[IPv4Network | IPv6Network, ...] | None = chosen.allow_remote or None
    engine = make_engine(settings.store.url)  # connects only when a line fails
    holds = {line.name: line.at_once for line in settings.calls.lines}
    room = LineRoom(CallbackStore(engine, _ROOM_SECONDS, settings.cel.pbx), holds)
    extras = wiring.extras(settings)
    asked = wiring.asked_lately(settings, engine)
    flow, dialling = wiring.flow(settings), wiring.dialling(settings)
    steps = Steps(flow, people, dialling, room=room.take, extras=extras, asked_lately=asked)
    limits = Limits(max_connections=chosen.max_connections, session_seconds=chosen.session_seconds)
    server = AgiServer(steps, host=host, port=port, limits=limits, allowed=allowed)
    try:
        await server.start()
    except OSError as error:
        raise _cannot_listen("agi.listen", chosen.listen, error) from None
    try:
        yield server
    finally:
        await server.stop(GRACE_SECONDS)
        await engine.dispose()


@asynccontextmanager
async def ari(
    settings: Settings, crm: SqlPeople, health: Health, registry: CollectorRegistry
) -> AsyncIterator[CallbackService]:
    """We ask Asterisk here: calls are placed and followed. Works without Asterisk, and places none then."""
    # Only where it is wanted: all of it takes some 15 MB.
    from ari_app.access import Access
    from ari_app.client import AriClient
    from ari_app.listener import AriListener
    from ari_app.supervise import CallSupervisor
    from waybell import calling

    chosen = settings.ari
    access = Access(chosen.url, chosen.user, chosen.password.get_secret_value(), chosen.app)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(AriClient(access))
        placed = await stack.enter_async_context(calling.service(settings, crm, client))
        listener = AriListener(access, CallSupervisor(placed.service), client.subscribe)
        placed.connected, placed.check = lambda: listener.connected, listener.check
        registry.register(DoorCollector("ari", listener.counters))
        health["ari"] = lambda: listener.connected
        for work in (listener.run(stop), placed.watch(stop)):
            task = asyncio.create_task(work, name="ari")
            stack.push_async_callback(asyncio.wait, (task,))
        stack.callback(stop.set)
        yield placed.service


@asynccontextmanager
async def ami(settings: Settings, registry: CollectorRegistry, service: CallbackService) -> AsyncIterator[None]:
    """Software that speaks AMI asks here, if the settings open the door. Raises :class:`SettingsError`."""
    chosen = settings.ami
    if not chosen.listen:
        yield
        return
    from ami_app.server import AmiServer
    from ami_app.tls import server_context
    from ami_app.users import AmiUser

    host, port = _address(chosen.listen)
    try:
        users = [
            AmiUser(user.name, user.secret.get_secret_value(), user.networks, user.channel, (user.context,))
            for user in chosen.users
        ]
        files = chosen.certificate, chosen.private_key
        tls = server_context(*map(Path, files)) if any(files) else None
        server = AmiServer(service, users, host=host, port=port, tls=tls)
        await server.start()
    except ValueError as error:
        raise SettingsError(str(error)) from None
    except OSError as error:
        raise _cannot_listen("ami.listen", chosen.listen, error) from None
    registry.register(DoorCollector("ami", server.counters))
    try:
        yield
    finally:
        await server.stop(GRACE_SECONDS)


@asynccontextmanager
async def web(
    settings: Settings, registry: CollectorRegistry, health: Health, service: CallbackService | None
) -> AsyncIterator[None]:
    """People and programs ask here. Raises :class:`SettingsError` when the address cannot be had."""
    # Only where it is wanted: the web server takes 10 MB.
    from web_app.app import build_app
    from web_app.door import Door
    from web_app.server import REQUEST_SECONDS, listen, serving

    async def ready() -> dict[str, bool]:
        return {part: well() for part, well in health.items()}

    try:
        listening = listen(*_address(settings.web.listen))
    except OSError as error:
        raise _cannot_listen("web.listen", settings.web.listen, error) from None
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(_api(settings, service))
        app, door = build_app(ready, registry, version("waybell"), api), Door(WEB_CONNECTIONS, REQUEST_SECONDS)
        await stack.enter_async_context(serving(app, listening, door, grace=_WEB_GRACE_SECONDS))
        if api.live:
            stack.push_async_callback(api.live.close)  # streams never end by themselves
        yield


@asynccontextmanager
async def _api(settings: Settings, service: CallbackService | None) -> AsyncIterator[Api]:
    from waybell.calls.search_port import Journal
    from waybell.feedback.store import FeedbackStore
    from waybell.missed.finding import MissedCalls
    from waybell.tokens.service import Tokens
    from web_app.app import Api

    # Whoever searches must not keep others from being let in.
    engine, reading = make_engine(settings.store.url), make_engine(settings.store.url)
    tokens = Tokens(engine)
    try:
        seconds = settings.store.search_seconds
        journal = Journal(reading, seconds)
        sounds, said = wiring.recordings(settings, engine), FeedbackStore(reading, seconds)
        missed = MissedCalls(reading, hours=settings.missed.look_back_hours, seconds=seconds)
        live, sheets = wiring.live(settings, engine), _attempts(settings, reading)
        api = Api(service, _authenticate(tokens), live, journal, missed, recordings=sounds, feedback=said)
        yield replace(api, attempts=sheets)
    finally:
        await tokens.close()
        await engine.dispose()
        await reading.dispose()


def _attempts(settings: Settings, engine: AsyncEngine) -> Attempts:
    from waybell.attempts.finding import AttemptsFinder
    from waybell.attempts.printing import Printer
    from waybell.attempts.values import Rules
    from web_app.attempts_api import Attempts

    rules, zone = Rules(settings.attempts.genuine_seconds), ZoneInfo(settings.callbacks.time_zone)
    finder = AttemptsFinder(engine, rules, seconds=settings.store.search_seconds)
    return Attempts(finder, Printer(settings.attempts.font).pdf, settings.calls.language, zone, version("waybell"))


def _authenticate(tokens: Tokens) -> Authenticate:
    """Tokens as the web door asks for them: its own errors, and a store that is down is no wrong token."""
    from waybell.callbacks.values import RefusedError
    from waybell.tokens import values
    from web_app import auth

    async def authenticate(text: str, peer: str) -> auth.Bearer:
        try:
            token = await tokens.check(text, peer, datetime.now(UTC))
        except values.BadTokenError:
            raise auth.UnauthorizedError from None
        except values.ForbiddenNetworkError:
            raise auth.ForbiddenNetworkError from None
        except values.TooManyGuessesError as error:
            raise auth.TooManyGuessesError(error.retry_after) from None
        except values.TokensUnavailableError as error:
            detail = "Waybell's own database gives no answer just now, so no token can be looked up."
            raise RefusedError("store-unavailable", 503, "Store unavailable", detail, _RETRY_SECONDS) from error
        return auth.Bearer(token.id, token.name, token.scope.value, token.courier or "")

    return authenticate


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def _cannot_listen(key: str, listen: str, error: OSError) -> SettingsError:
    port = listen.rpartition(":")[2]
    return SettingsError(
        f"{key}: {listen} cannot be opened: {error.strerror}; is another Waybell running? `ss -ltnp sport = :{port}` "
        "shows who has it, and another address may be set"
    )
