"""One UDP socket of SIP transactions (RFC 3261, 17): what is lost is repeated, what comes twice is answered twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self

from lab import sip

Address = tuple[str, int]

FIRST_REPEAT = 0.5
GIVE_UP = 8.0


class Repeater:
    """Sends now and again, ever more slowly, until stopped; then, or after :data:`GIVE_UP` seconds, no more."""

    def __init__(self, send: Callable[[], None], give_up: Callable[[], None]) -> None:
        self._send = send
        self._give_up = give_up
        self._delay = FIRST_REPEAT
        self._waited = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._next()

    def stop(self) -> None:
        """Harmless when it has stopped already."""
        if self._timer is not None:
            self._timer.cancel()

    def _next(self) -> None:
        if self._waited >= GIVE_UP:
            self._give_up()
            return
        self._send()
        self._timer = asyncio.get_running_loop().call_later(self._delay, self._next)
        self._waited += self._delay
        self._delay *= 2


OnResponse = Callable[[sip.Message | None], None]


class SipSocket(asyncio.DatagramProtocol):
    """Listens on ``address``, sends everything to ``peer``. ``None`` as a response means that none came.

    ``repeated`` holds the requests that came again.
    """

    def __init__(self, address: Address, peer: Address) -> None:
        self.address = address
        self.peer = peer
        self.repeated: list[sip.Message] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._clients: dict[tuple[bytes, bytes], tuple[Repeater, OnResponse]] = {}
        self._answers: dict[tuple[bytes, bytes], bytes] = {}
        self._unacknowledged: dict[bytes, Repeater] = {}

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=self.address)
        self.address = self._transport.get_extra_info("sockname")[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        for repeater, _on_response in self._clients.values():
            repeater.stop()
        for repeater in self._unacknowledged.values():
            repeater.stop()
        if self._transport is not None:
            self._transport.close()

    @property
    def contact(self) -> bytes:
        """Our Contact header's value."""
        host, port = self.address
        return f"<sip:lab@{host}:{port}>".encode()

    def on_request(self, request: sip.Message) -> None:
        """A request that was not seen before."""
        raise NotImplementedError

    def send(self, message: bytes) -> None:
        """These bytes, as they are."""
        if self._transport is not None and message:
            self._transport.sendto(message, self.peer)

    def write_request(
        self, method: bytes, uri: bytes, headers: sip.Headers, body: bytes = b"", branch: bytes = b""
    ) -> bytes:
        """A request with our Via and Contact; a new branch unless one is given."""
        host, port = self.address
        via = f"SIP/2.0/UDP {host}:{port};rport;branch=".encode() + (branch or b"z9hG4bK" + sip.token())
        own = ((b"Via", via), (b"Max-Forwards", b"70"), (b"Contact", self.contact))
        return sip.build(method + b" " + uri + b" SIP/2.0", (*own, *headers), body)

    def begin(self, message: bytes, on_response: OnResponse) -> sip.Message:
        """Sends a request until something answers; every response goes to ``on_response``."""
        request = sip.parse(message)
        assert request is not None
        repeater = Repeater(lambda: self.send(message), lambda: on_response(None))
        self._clients[request.branch, request.method] = (repeater, on_response)
        return request

    async def transact(self, message: bytes) -> sip.Message | None:
        """Sends a request other than INVITE; its final response."""
        final: asyncio.Future[sip.Message | None] = asyncio.get_running_loop().create_future()

        def on_response(response: sip.Message | None) -> None:
            if not final.done() and (response is None or response.status >= 200):
                final.set_result(response)

        self.begin(message, on_response)
        return await final

    def answer(
        self,
        request: sip.Message,
        status: tuple[int, bytes],
        headers: sip.Headers = (),
        body: bytes = b"",
        tag: bytes = b"",
        contact: bytes = b"",
    ) -> None:
        """Responds; a final response to an INVITE is repeated until its ACK comes."""
        extra = ((b"Contact", contact or self.contact), *headers)
        message = sip.response(request, *status, tag or sip.token(), extra, body)
        self._answers[request.branch, request.method] = message
        if request.method == b"INVITE" and status[0] >= 200:
            self._unacknowledged[request.header("Call-ID")] = Repeater(lambda: self.send(message), lambda: None)
        else:
            self.send(message)

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:  # noqa: ARG002
        """Sorts what comes: responses to their request, repeated requests to their old answer, new ones on."""
        message = sip.parse(data)
        if message is None:
            return
        if message.status:
            self._on_response(message)
        elif message.method == b"ACK":
            repeater = self._unacknowledged.pop(message.header("Call-ID"), None)
            if repeater is not None:
                repeater.stop()
            self.on_request(message)
        elif (message.branch, message.method) in self._answers:
            self.repeated.append(message)
            self.send(self._answers[message.branch, message.method])
        else:
            self._answers[message.branch, message.method] = b""
            self.on_request(message)

    def error_received(self, exc: Exception) -> None:
        """Asterisk is not there (any more): the repeaters find out."""

    def _on_response(self, response: sip.Message) -> None:
        key = (response.branch, response.method)
        if key in self._clients:
            repeater, on_response = self._clients[key]
            repeater.stop()
            on_response(response)
