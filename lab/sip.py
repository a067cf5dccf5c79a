"""SIP messages as bytes (RFC 3261): what the laboratory's phones read and write.

Reading never raises, whatever came; writing puts any bytes anywhere, so that a test can send what no decent phone
would.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

Headers = tuple[tuple[bytes, bytes], ...]

_COMPACT = {b"v": b"via", b"f": b"from", b"t": b"to", b"i": b"call-id", b"m": b"contact", b"l": b"content-length"}
_STATUS_LINE = re.compile(rb"SIP/2\.0 +(\d{3}) ?(.*)", re.DOTALL)
_URI_USER = re.compile(rb"sips?:([^@]*)@", re.IGNORECASE)
_TAG = re.compile(rb";\s*tag=([^;\s]+)", re.IGNORECASE)
_ANGLES = re.compile(rb"<([^<>]*)>")

RINGING, OK = (180, b"Ringing"), (200, b"OK")


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response. ``raw`` is the whole datagram; header names are kept as they came."""

    start: bytes
    headers: Headers
    body: bytes
    raw: bytes

    @property
    def status(self) -> int:
        """A response's status code; 0 for a request."""
        match = _STATUS_LINE.fullmatch(self.start)
        return int(match[1]) if match else 0

    @property
    def reason(self) -> bytes:
        """A response's reason phrase."""
        match = _STATUS_LINE.fullmatch(self.start)
        return match[2] if match else b""

    @property
    def method(self) -> bytes:
        """A request's method, or that of the request which a response answers."""
        line = self.header("CSeq") if self.status else self.start
        words = line.split()
        if self.status:
            return words[-1] if words else b""
        return words[0] if words else b""

    @property
    def uri(self) -> bytes:
        """The request URI: everything between the method and ``SIP/2.0``, spaces included."""
        return self.start.partition(b" ")[2].removesuffix(b" SIP/2.0")

    @property
    def user(self) -> str:
        """User part of the request URI; what is not UTF-8 comes as surrogates."""
        return user_of(self.uri)

    @property
    def branch(self) -> bytes:
        """The transaction's name: the topmost Via's branch."""
        return self.header("Via").partition(b"branch=")[2].partition(b";")[0].strip()

    def header(self, name: str) -> bytes:
        """The first header of that name, compact forms included, or ``b""``."""
        return next(iter(self.all(name)), b"")

    def all(self, name: str) -> list[bytes]:
        """Every header of that name, in order."""
        wanted = name.lower().encode()
        return [value for key, value in self.headers if _COMPACT.get(key.lower(), key.lower()) == wanted]


def parse(datagram: bytes) -> Message | None:
    """The message in ``datagram``, or ``None`` when it has no start line (keep-alives, noise)."""
    head, _, body = datagram.partition(b"\r\n\r\n")
    start, *lines = re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n")
    if not start.strip():
        return None
    pairs = (line.partition(b":") for line in lines)
    return Message(start, tuple((name.strip(), value.strip()) for name, _, value in pairs), body, datagram)


def build(start: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes = b"") -> bytes:
    """``start`` and ``headers`` exactly as given, then the length and the body."""
    lines = [start, *(name + b": " + value for name, value in headers), b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def response(request: Message, status: int, reason: bytes, tag: bytes, extra: Headers = (), body: bytes = b"") -> bytes:
    """An answer to ``request``; ``tag`` is added to To where it has none."""
    to = request.header("To")
    if status > 100 and not tag_of(to):
        to += b";tag=" + tag
    headers = [(b"Via", via) for via in request.all("Via")]
    headers += [(b"From", request.header("From")), (b"To", to)]
    headers += [(name, request.header(name.decode())) for name in (b"Call-ID", b"CSeq")]
    return build(b"SIP/2.0 %d %s" % (status, reason), [*headers, *extra], body)


def user_of(value: bytes) -> str:
    """User part of the first SIP URI in ``value`` (a URI or a whole From header), still percent-encoded."""
    match = _URI_USER.search(value)
    return match[1].decode(errors="surrogateescape") if match else ""


def uri_of(value: bytes) -> bytes:
    """The URI in a From, To or Contact header, without brackets and header parameters."""
    match = _ANGLES.search(value)
    return match[1] if match else value.partition(b";")[0].strip()


def tag_of(value: bytes) -> bytes:
    """The tag of a From or To header, or ``b""``."""
    match = _TAG.search(value)
    return match[1] if match else b""


def token() -> bytes:
    """A fresh branch, tag or Call-ID."""
    return secrets.token_hex(8).encode()


def as_bytes(text: str | bytes) -> bytes:
    """Bytes untouched; text as UTF-8, with surrogates turned back into the bytes that they stand for."""
    return text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
