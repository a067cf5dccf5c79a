"""The FastAGI server: accepts connections, bounds them, stops gracefully."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import structlog

from agi_app.limits import Counters, Limits
from agi_app.peers import Network, Peers
from agi_app.session import Handler, Service, Session
from agi_app.table import Table
from waybell.throttle import Log, Throttled

_TICK_SECONDS = 0.1
# What a cancelled handler gets to clean up when the server stops.
_LAST_SECONDS = 1.0
# Longer than the table: a burst of connections must wait in the kernel, which else drops them for whole seconds.
_BACKLOG_PER_CONNECTION = 4
_SMALLEST_BACKLOG = 1024


class AgiServer:
    """Serves ``handler`` over FastAGI: one request, one command, close.

    A peer that is slow, silent, wrong or one too many is closed, and the dialplan goes on without us. A connection
    without a whole request gives way when the table is full, so idle connections lock nobody out.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 4573,
        limits: Limits | None = None,
        allowed: Sequence[Network] | None = None,
        log: Log | None = None,
    ) -> None:
        """``port`` 0 takes a free one; peers come from loopback or an ``allowed`` network, ``None`` is all of them."""
        self.counters = Counters()
        self.limits = limits or Limits()
        self._handler = handler
        self._address = (host, port)
        self._peers = None if allowed is None else Peers(allowed)
        self._log = log or structlog.get_logger("agi")
        self._throttled = Throttled(self._log)
        self._table: Table[Session] = Table(self.limits)
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopped: asyncio.Event | None = None
        self._cancelled: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it listens on; known from :meth:`start` on."""
        if self._server is None or not self._server.sockets:
            raise RuntimeError("the AGI server is not listening: start() it first")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listens. Raises :class:`OSError` when the address is taken or not ours."""
        self._loop = loop = asyncio.get_running_loop()
        self._stopped = None
        service = Service(
            handler=self._handler,
            limits=self.limits,
            counters=self.counters,
            log=self._throttled,
            table=self._table,
            loop=loop,
            admit=self._admit,
            closed=self._closed,
        )
        host, port = self._address
        backlog = max(_SMALLEST_BACKLOG, self.limits.max_connections * _BACKLOG_PER_CONNECTION)
        self._server = await loop.create_server(lambda: Session(service), host, port, backlog=backlog)

    async def stop(self, grace: float = 5.0) -> None:
        """Accepts no more, lets what runs finish for ``grace`` seconds, then ends the rest. Safe to call twice."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        self._stopped = stopped = asyncio.Event()
        if self._table:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await stopped.wait()
        await self._end_all(stopped)
        if self._timer:
            self._timer.cancel()
            self._timer = None
        await server.wait_closed()
        self._throttled.flush(everything=True)

    async def _end_all(self, stopped: asyncio.Event) -> None:
        left = list(self._table)
        if left:
            self._log.warning("agi server stops with sessions open", sessions=len(left))
        for session in left:
            session.abort()
        if left:
            await stopped.wait()
        if self._cancelled:
            await asyncio.wait(self._cancelled, timeout=_LAST_SECONDS)

    def _admit(self, transport: asyncio.Transport) -> str | None:
        if self._stopped:
            return "agi server is stopping"
        if self._peers and not self._peers.allowed(transport.get_extra_info("peername")[0]):
            return "agi peer is not in agi.allow_remote"
        if self._table.full():
            idle = self._table.without_request()
            if idle is None:
                return f"agi server is full: {self.limits.max_connections} calls at once"
            self.counters.evicted += 1
            self._table.leave(idle)
            idle.abort()
            self._throttled.warning("agi server is full: a connection without a request gave way")
        if self._timer is None:
            self._timer = self._loop.call_later(_TICK_SECONDS, self._tick)
        return None

    def _closed(self, session: Session) -> None:
        self._table.leave(session)
        task = session.task
        if task and not task.done():
            self._cancelled.add(task)
            task.add_done_callback(self._cancelled.discard)
            task.cancel()
        if self._stopped and not self._table:
            self._stopped.set()

    def _tick(self) -> None:
        # Scheduled first: no error in here may end the deadlines.
        self._timer = self._loop.call_later(_TICK_SECONDS, self._tick)
        for session, phase in self._table.due(self._loop.time()):
            session.expire(phase)
        if not self._throttled.flush() and not self._table:
            self._timer.cancel()
            self._timer = None
