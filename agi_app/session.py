"""One FastAGI connection on the event loop: request, handler, command, reply, close."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from agi_app.events import Environment, Event, Reply
from agi_app.limits import Counters, Limits
from agi_app.protocol import AgiConnection, Command, RemoteProtocolError
from agi_app.table import Phase, Table
from waybell.throttle import Throttled

Handler = Callable[[Environment], Awaitable[Command]]
"""Decides: one request, one command."""


@dataclass(frozen=True, slots=True)
class Service:
    """What all connections of one server share.

    ``admit`` says why a peer is not let in, or ``None``. ``closed`` hears of every closed connection; it forgets the
    connection and cancels its task.
    """

    handler: Handler
    limits: Limits
    counters: Counters
    log: Throttled
    table: Table[Session]
    loop: asyncio.AbstractEventLoop
    admit: Callable[[asyncio.Transport], str | None]
    closed: Callable[[Session], None]


class Session(asyncio.Protocol):
    """One connection. Whatever happens, it ends with the socket closed and the handler's task done.

    Closed without a command, it leaves the dialplan's variable empty, and the dialplan asks its next server.
    """

    __slots__ = ("_connection", "_service", "_task", "_transport")

    def __init__(self, service: Service) -> None:
        """``service`` is shared by all connections of the server."""
        self._service = service
        self._connection = AgiConnection(service.limits)
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._task: asyncio.Task[None] | None = None

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The handler's task, from the request on."""
        return self._task

    def abort(self) -> None:
        """Ends it now: nothing more is sent; the handler is cancelled when the socket is closed, right after."""
        self._transport.abort()

    def expire(self, phase: Phase) -> None:
        """Ends it because ``phase`` took too long."""
        self._service.counters.deadline += 1
        self._end(f"agi {phase} took too long")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Lets the peer in, or closes at once."""
        service = self._service
        self._transport = cast(asyncio.Transport, transport)
        service.counters.connections += 1
        refusal = service.admit(self._transport)
        if refusal:
            service.counters.refused += 1
            self._end(refusal)
        else:
            service.table.enter(self, Phase.REQUEST, service.loop.time())

    def data_received(self, data: bytes) -> None:
        """Bytes from Asterisk."""
        if self._transport.is_closing():
            return
        try:
            events = self._connection.receive_data(data)
        except RemoteProtocolError as error:
            self._broken(error)
            return
        for event in events:
            self._on(event)

    def eof_received(self) -> None:
        """Asterisk went away: there is nobody left to answer."""
        try:
            self._connection.receive_eof()
        except RemoteProtocolError as error:
            self._broken(error)
        else:
            self._service.counters.abandoned += self._task is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        if exc is not None and self._task and not self._task.done():
            self._service.counters.abandoned += 1
        self._service.closed(self)

    def _on(self, event: Event) -> None:
        # Trying and Hangup change nothing: Asterisk still takes the command and still replies.
        if type(event) is Environment:
            service = self._service
            service.counters.sessions += 1
            service.table.enter(self, Phase.HANDLER, service.loop.time())
            self._task = service.loop.create_task(self._serve(event), name="agi")
        elif type(event) is Reply:
            self._finish(event)

    async def _serve(self, environment: Environment) -> None:
        service = self._service
        try:
            command = await service.handler(environment)
            if not self._transport.is_closing():
                self._transport.write(self._connection.send(command))
                service.table.enter(self, Phase.REPLY, service.loop.time())
        except asyncio.CancelledError:
            self._transport.abort()
            raise
        except Exception as error:
            service.counters.handler_errors += 1
            self._end("agi handler failed", exc_info=error)

    def _finish(self, reply: Reply) -> None:
        counters = self._service.counters
        self._transport.close()
        if reply.code == 200 and reply.result in {"0", "1"}:
            counters.decided += 1
            return
        counters.command_errors += 1
        self._service.log.warning("asterisk refused our command", code=reply.code, result=reply.result, text=reply.text)

    def _broken(self, error: RemoteProtocolError) -> None:
        self._service.counters.protocol_errors += 1
        self._end("agi peer broke the protocol", error=str(error))

    def _end(self, why: str, **details: Any) -> None:
        peer = self._transport.get_extra_info("peername")
        # Closed before it is logged: no trouble with the log holds a call.
        self.abort()
        self._service.log.warning(why, **details, peer=peer)
