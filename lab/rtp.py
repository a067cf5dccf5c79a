"""Sound of the laboratory's phones: RTP with silence and RFC 4733 key presses, both ways.

One UDP socket per call. It sends G.711 µ-law silence every 20 ms while a call is up, counts what comes and collects
the keys that the other side presses.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import struct
from collections import deque

from lab.changes import Changes

_PACKET_SECONDS = 0.02
_PACKET_SAMPLES = 160
_SILENCE = b"\xff" * _PACKET_SAMPLES
_KEYS = "0123456789*#ABCD"
_EVENT = 101
_PRESS_PACKETS = 8
_HEADER = struct.Struct("!BBHII")
_PRESS = struct.Struct("!BBH")


class Media(asyncio.DatagramProtocol):
    """One side of a call's sound. ``received`` counts packets, ``keys`` holds the keys that came."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.port = 0
        self.received = 0
        self.keys = ""
        self.remote: tuple[str, int] | None = None
        self._changes = Changes()
        self._remote_event = 0
        self._last_press = -1
        self._sequence = 0
        self._clock = 0
        self._source = secrets.randbits(32)
        self._to_press: deque[tuple[bool, bytes]] = deque()
        self._press_clock = 0
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Binds a free port on ``host``."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, 0))
        self.port = self._transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        """Stops sending and gives the port back."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    def offer(self) -> bytes:
        """Our session description: µ-law, A-law and telephone events."""
        lines = (
            "v=0",
            f"o=lab {self._source} {self._source} IN IP4 {self.host}",
            "s=lab",
            f"c=IN IP4 {self.host}",
            "t=0 0",
            f"m=audio {self.port} RTP/AVP 0 8 {_EVENT}",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:8 PCMA/8000",
            f"a=rtpmap:{_EVENT} telephone-event/8000",
            f"a=fmtp:{_EVENT} 0-16",
            "a=ptime:20",
        )
        return "".join(f"{line}\r\n" for line in lines).encode()

    def follow(self, description: bytes) -> None:
        """Sends to where the other side's session description says, from now on."""
        port = re.search(rb"^m=audio (\d+) ", description, re.MULTILINE)
        host = re.search(rb"^c=IN IP4 ([\d.]+)", description, re.MULTILINE)
        event = re.search(rb"^a=rtpmap:(\d+) telephone-event/", description, re.MULTILINE)
        if not port or not host:
            return
        self.remote = (host[1].decode(), int(port[1]))
        self._remote_event = int(event[1]) if event else 0
        if self._timer is None:
            self._send_next()

    @property
    def takes_keys(self) -> bool:
        """Whether the other side agreed to RFC 4733."""
        return self._remote_event > 0

    def press(self, keys: str) -> None:
        """Queues key presses of 160 ms with as long a pause after each."""
        for key in keys:
            code = _KEYS.index(key)
            self._to_press.extend(
                (index == 0, _PRESS.pack(code, 0x80 * (index >= _PRESS_PACKETS) | 10, _PACKET_SAMPLES * (index + 1)))
                for index in range(_PRESS_PACKETS + 3)
            )
            self._to_press.extend([(False, b"")] * _PRESS_PACKETS)

    async def heard(self, packets: int = 1, deadline: float = 5.0) -> None:
        """Returns when ``packets`` have come in all."""
        await self._changes.until(
            lambda: self.received >= packets, deadline, lambda: f"{packets} RTP packets, got {self.received}"
        )

    async def pressed(self, keys: str, deadline: float = 5.0) -> None:
        """Returns when the keys that came end with ``keys``."""
        await self._changes.until(
            lambda: self.keys.endswith(keys), deadline, lambda: f"keys {keys!r}, got {self.keys!r}"
        )

    def datagram_received(self, data: bytes, addr: tuple[str | int, int]) -> None:  # noqa: ARG002
        """Counts; reads a key press once however often it is repeated."""
        if len(data) < _HEADER.size:
            return
        self.received += 1
        _, kind, _, clock, _ = _HEADER.unpack_from(data)
        is_press = kind & 0x7F == _EVENT and len(data) > _HEADER.size and data[_HEADER.size] < len(_KEYS)
        if is_press and clock != self._last_press:
            self._last_press = clock
            self.keys += _KEYS[data[_HEADER.size]]
        self._changes.tell()

    def error_received(self, exc: Exception) -> None:
        """The other side's port is closed already: nothing to do about it."""

    def _send_next(self) -> None:
        first, press = self._to_press.popleft() if self._to_press else (False, b"")
        if first:
            self._press_clock = self._clock
        clock, kind, payload = (self._press_clock, self._remote_event, press) if press else (self._clock, 0, _SILENCE)
        packet = _HEADER.pack(0x80, 0x80 * first | kind, self._sequence, clock, self._source) + payload
        if self._transport is not None and self.remote is not None:
            self._transport.sendto(packet, self.remote)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._clock = (self._clock + _PACKET_SAMPLES) & 0xFFFFFFFF
        self._timer = asyncio.get_running_loop().call_later(_PACKET_SECONDS, self._send_next)
