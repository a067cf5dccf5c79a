"""How much one AMI peer may ask of us, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the AMI door: seconds, bytes, counts. All must be above zero (:class:`ValueError`).

    - ``max_connections``: open connections; beyond it the oldest one that has not logged in gives way, or the new
      one is closed at once.
    - ``login_seconds``: from accepting a connection to the end of its login, TLS handshake included.
    - ``idle_seconds``: from one answer to the next whole message, however slowly its bytes drip.
    - ``request_seconds``: for placing one call.
    - ``write_seconds``: until the peer has taken an answer; nothing else is read from it meanwhile.
    - ``max_line_bytes`` (without line end), ``max_headers``, ``max_message_bytes``: sizes of one message. Asterisk
      itself takes lines of 1,024 bytes and 128 headers.
    - ``max_unread_bytes``: what is kept of a peer that sends faster than it is answered.
    """

    max_connections: int = 100
    login_seconds: float = 10.0
    idle_seconds: float = 300.0
    request_seconds: float = 10.0
    write_seconds: float = 5.0
    max_line_bytes: int = 1024
    max_headers: int = 64
    max_message_bytes: int = 8192
    max_unread_bytes: int = 32 * 1024

    def __post_init__(self) -> None:
        """Refuses a bound that would let nothing through."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"ami limit {field.name} is {value}: it must be above 0")


@dataclass(slots=True)
class Counters:
    """What happened since the start, for ``/metrics``. Only ever counted up.

    ``connections`` accepted; ``refused``: closed at once (foreign address, no room); ``evicted``: gave way before it
    logged in; ``logins`` that succeeded; ``login_failures``; ``originates`` that were taken; ``originate_refusals``:
    by the user's templates or by the rules; ``originate_errors``: not placed because something failed here;
    ``denied``: actions that nobody may use; ``unreadable`` messages; ``abandoned``: reset by the peer;
    ``protocol_errors``: closed for what it sent; ``deadline``: closed by one of the deadlines.
    """

    connections: int = 0
    refused: int = 0
    evicted: int = 0
    logins: int = 0
    login_failures: int = 0
    originates: int = 0
    originate_refusals: int = 0
    originate_errors: int = 0
    abandoned: int = 0
    denied: int = 0
    unreadable: int = 0
    protocol_errors: int = 0
    deadline: int = 0
