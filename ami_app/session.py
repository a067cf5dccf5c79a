"""One AMI connection on the event loop: its bytes in, its messages one after another, its answers out."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import Any, cast

from ami_app.conversation import Conversation, Desk
from ami_app.messages import BANNER, Answer, Broken, Event, Response, encode
from ami_app.protocol import AmiCodec
from ami_app.users import Address

_POLLS = 2


@dataclass(frozen=True, slots=True)
class Service:
    """What all connections of one server share."""

    desk: Desk
    tls: ssl.SSLContext | None
    loop: asyncio.AbstractEventLoop


class Session(asyncio.Protocol):
    """One connection. What came from a peer is answered to the end, also when the peer has left: it asked for calls."""

    def __init__(self, service: Service, peer: socket.socket, address: Address) -> None:
        """``peer``: the socket as accepted, from ``address``; it is closed when :meth:`run` ends."""
        self._service = service
        self._desk = service.desk
        self._peer = peer
        self._address = address
        self._codec = AmiCodec(service.desk.limits)
        self._talk = Conversation(service.desk, address)
        self._transport: asyncio.Transport | None = None
        self._more = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = False
        self._lost = asyncio.Event()
        self._leaving = False
        self._paused = False
        self._login_by = service.loop.time() + service.desk.limits.login_seconds

    @property
    def logged_in(self) -> bool:
        """Whether the peer has said who it is."""
        return self._talk.user is not None

    def leave(self) -> None:
        """Ends it after what runs: no further message is looked at."""
        self._leaving = True
        self._more.set()

    async def run(self) -> None:
        """From TLS's handshake, if there is one, to the end of the connection. Cancelled, it ends at once."""
        try:
            transport = await self._connect()
            await self._converse(transport)
            await self._close(transport)
        except TimeoutError:
            self._desk.counters.deadline += 1
            self._tell("ami peer took too long" if self.logged_in else "ami peer took too long to log in")
        except OSError as error:  # of TLS; what a plain socket has to say comes to connection_lost
            self._desk.counters.protocol_errors += 1
            self._tell("ami peer broke off", error=str(error))
        except Exception as error:
            self._tell("ami session failed", exc_info=error)
        finally:
            if self._transport:
                self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS, if there is any, stands."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes from the peer."""
        self._codec.receive_data(data)
        if self._codec.unread > self._desk.limits.max_unread_bytes and not self._paused and self._transport:
            self._paused = True
            self._transport.pause_reading()
        self._more.set()

    def eof_received(self) -> bool:
        """The peer sends no more; it may still read (over TLS it cannot)."""
        self._ended = True
        self._more.set()
        return self._service.tls is None

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._desk.counters.abandoned += exc is not None
        self._ended = True
        self._lost.set()
        self._more.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """The peer has not taken all of an answer."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It has."""
        self._writable.set()

    async def _connect(self) -> asyncio.Transport:
        tls, limits = self._service.tls, self._desk.limits
        transport, _ = await self._service.loop.connect_accepted_socket(
            lambda: self,
            self._peer,
            ssl=tls,
            ssl_handshake_timeout=limits.login_seconds if tls else None,
            ssl_shutdown_timeout=limits.write_seconds if tls else None,
        )
        # Nothing waits in the buffer while the peer does not read: one answer, then the next message.
        transport.set_write_buffer_limits(high=1, low=0)
        return transport

    async def _converse(self, transport: asyncio.Transport) -> None:
        await self._write(transport, BANNER)
        while (event := await self._next(transport)) is not None:
            if isinstance(event, Broken):
                answer, action_id = self._broken(event), ""
            else:
                answer, action_id = await self._talk.answer(event), event.action_id
            await self._write(transport, encode(answer, action_id))
            if answer.ends:
                break

    async def _next(self, transport: asyncio.Transport) -> Event | None:
        """The next message; ``None`` when there will be none. Raises :class:`TimeoutError`."""
        until = self._service.loop.time() + self._desk.limits.idle_seconds if self.logged_in else self._login_by
        if self._service.loop.time() > until:
            raise TimeoutError
        while not self._leaving:
            event = self._codec.next_event()
            if event or self._ended:
                return event
            if self._paused:
                self._paused = False
                transport.resume_reading()
            self._more.clear()
            async with asyncio.timeout_at(until):
                await self._more.wait()
        return None

    async def _write(self, transport: asyncio.Transport, data: bytes) -> None:
        # A peer that has sent everything and closed makes this fail, and a transport that fails to write reads no
        # more. So whatever has come by now is read before.
        for _ in range(_POLLS):
            await asyncio.sleep(0)
        if self._lost.is_set():
            return
        transport.write(data)
        async with asyncio.timeout(self._desk.limits.write_seconds):
            await self._writable.wait()

    async def _close(self, transport: asyncio.Transport) -> None:
        transport.close()
        async with asyncio.timeout(self._desk.limits.write_seconds):
            await self._lost.wait()

    def _broken(self, event: Broken) -> Answer:
        self._desk.counters.protocol_errors += 1
        self._tell("ami peer went over a limit", why=event.why)
        return Answer(Response.ERROR, f"Closing: {event.why}", ends=True)

    def _tell(self, what: str, **details: Any) -> None:
        self._desk.log.warning(what, peer=str(self._address), **details)
