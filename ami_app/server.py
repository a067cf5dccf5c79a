"""The AMI server: accepts connections, bounds them, stops gracefully."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence

import structlog

from ami_app.conversation import Desk
from ami_app.limits import Counters, Limits
from ami_app.session import Service, Session
from ami_app.taps import Taps
from ami_app.users import Address, AmiUser, by_name, read_address
from waybell.callbacks.ports import Callbacks
from waybell.throttle import Log, Throttled

_FLUSH_SECONDS = 1.0
# What a cancelled request gets to clean up when the server stops.
_LAST_SECONDS = 1.0
_BACKLOG = 1024
_NO_ACCEPT_SECONDS = 0.1


class AmiServer:
    """Speaks as much AMI as places calls: ``Login``, ``Originate``, ``Ping``, ``Logoff``.

    A peer that is in no user's networks, slow, silent, wrong or one too many is closed. A connection that has not
    logged in gives way when there is no room, so idle connections lock nobody out.
    """

    def __init__(
        self,
        callbacks: Callbacks,
        users: Sequence[AmiUser],
        *,
        host: str = "127.0.0.1",
        port: int = 5038,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        log: Log | None = None,
        taps: Taps | None = None,
    ) -> None:
        """``port`` 0 takes a free one; ``tls``: nothing is spoken in the clear. Raises :class:`ValueError` for
        users of whom two have the same name, and for none at all.
        """
        self.counters = Counters()
        self.limits = limits or Limits()
        self._users = by_name(users)
        self._callbacks = callbacks
        self._address = (host, port)
        self._tls = tls
        self._log = log or structlog.get_logger("ami")
        self._throttled = Throttled(self._log)
        self._taps = taps or Taps()
        self._sessions: dict[Session, asyncio.Task[None]] = {}
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._flushing: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        """The port it listens on; known from :meth:`start` on."""
        if self._listening is None:
            raise RuntimeError("the AMI server is not listening: start() it first")
        port: int = self._listening.getsockname()[1]
        return port

    async def start(self) -> None:
        """Listens. Raises :class:`OSError` when the address is taken or not ours."""
        self._loop = loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._listening = socket.create_server(self._address, family=family, backlog=_BACKLOG)
        self._listening.setblocking(False)
        desk = Desk(self._callbacks, self._users, self.limits, self.counters, self._throttled, taps=self._taps)
        self._accepting = loop.create_task(self._accept(Service(desk, self._tls, loop), self._listening), name="ami")
        self._flush()

    async def stop(self, grace: float = 5.0) -> None:
        """Accepts no more, lets calls being placed finish for ``grace`` seconds, then ends the rest. Safe twice."""
        if self._listening is None or self._accepting is None:
            return
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._listening.close()
        self._listening = None
        for session in self._sessions:
            session.leave()
        await self._wait(grace)
        if self._sessions:
            self._log.warning("ami server stops with sessions open", sessions=len(self._sessions))
        for task in self._sessions.values():
            task.cancel()
        await self._wait(_LAST_SECONDS)
        if self._flushing:
            self._flushing.cancel()
        self._throttled.flush(everything=True)

    async def _wait(self, seconds: float) -> None:
        if self._sessions:
            await asyncio.wait(self._sessions.values(), timeout=seconds)

    async def _accept(self, service: Service, listening: socket.socket) -> None:
        while True:
            try:
                peer, address = await self._loop.sock_accept(listening)
            except OSError as error:  # of the peer, which left before; or there are no more files to be had
                self._throttled.warning("ami server could not accept a connection", error=str(error))
                await asyncio.sleep(_NO_ACCEPT_SECONDS)
                continue
            self.counters.connections += 1
            self._admit(service, peer, str(address[0]))
            # A burst is accepted without waiting: each session must have its socket before the next may take its place.
            await asyncio.sleep(0)

    def _admit(self, service: Service, peer: socket.socket, host: str) -> None:
        address = read_address(host)
        refusal = self._refusal(address)
        if refusal or address is None:
            peer.close()
            self.counters.refused += 1
            self._throttled.warning(refusal, peer=host)
            return
        session = Session(service, peer, address)
        task = self._sessions[session] = self._loop.create_task(session.run(), name="ami")
        task.add_done_callback(lambda _: self._closed(session))

    def _refusal(self, address: Address | None) -> str:
        if address is None or not any(user.may_come_from(address) for user in self._users.values()):
            return "ami peer is in no user's networks"
        if len(self._sessions) >= self.limits.max_connections and not self._make_room():
            return f"ami server is full: {self.limits.max_connections} connections at once"
        return ""

    def _make_room(self) -> bool:
        idle = next((session for session in self._sessions if not session.logged_in), None)
        if idle is None:
            return False
        self.counters.evicted += 1
        self._sessions.pop(idle).cancel()
        self._throttled.warning("ami server is full: a connection that had not logged in gave way")
        return True

    def _closed(self, session: Session) -> None:
        self._sessions.pop(session, None)

    def _flush(self) -> None:
        self._flushing = self._loop.call_later(_FLUSH_SECONDS, self._flush)
        self._throttled.flush()
