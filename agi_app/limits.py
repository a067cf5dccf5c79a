"""How much one FastAGI peer may ask of us, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the FastAGI door: seconds, bytes, counts. All must be above zero (:class:`ValueError`).

    Asterisk sets no read time-out of its own, so every wait of a call for us ends by one of these.

    - ``max_connections``: open connections; beyond it the oldest one without a request gives way, or the new one
      is closed at once so that the dialplan goes on to its next server.
    - ``environment_seconds``: from accepting a connection to the end of its environment.
    - ``session_seconds``: from the end of the environment to the handler's command.
    - ``command_seconds``: from sending the command to its reply.
    - ``max_environment_bytes``, ``max_line_bytes``, ``max_variables``: size of an environment, of one of its lines
      (without line feed), and how many lines it may have.
    - ``max_reply_bytes``: size of one reply, all its lines together.
    """

    max_connections: int = 500
    environment_seconds: float = 1.0
    session_seconds: float = 2.0
    command_seconds: float = 2.0
    max_environment_bytes: int = 32 * 1024
    max_line_bytes: int = 8192
    max_variables: int = 200
    max_reply_bytes: int = 32 * 1024

    def __post_init__(self) -> None:
        """Refuses a bound that would let nothing through."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"agi limit {field.name} is {value}: it must be above 0")


@dataclass(slots=True)
class Counters:
    """What happened since the start, for ``/metrics``. Only ever counted up.

    ``connections`` accepted; ``sessions`` with a complete environment; ``decided``: our command was taken;
    ``refused``: closed at once (foreign address, no room); ``evicted``: gave way before sending a request;
    ``abandoned``: the peer closed before our command was answered; ``deadline``: closed by one of the deadlines.
    """

    connections: int = 0
    sessions: int = 0
    decided: int = 0
    refused: int = 0
    evicted: int = 0
    abandoned: int = 0
    protocol_errors: int = 0
    handler_errors: int = 0
    command_errors: int = 0
    deadline: int = 0
