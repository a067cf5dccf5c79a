"""How long the event connection waits for what, how much it holds, and what it has counted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for each thing that can hang, and bounds. The defaults find any loss and mend it within 2 s.

    A firewall that drops everything silently is found by the first ping after it: ``ping_every + pong_within``.
    """

    opening: float = 1.0
    ping_every: float = 1.0
    pong_within: float = 0.5
    closing: float = 0.1
    first_retry: float = 0.05
    longest_retry: float = 1.0
    replaced: float = 10.0
    handler: float = 10.0
    insisting: float = 30.0
    stopping: float = 2.0
    most_waiting: int = 10_000
    most_bytes: int = 1 << 20


@dataclass(slots=True)
class Counters:
    """What has happened so far; ``passed_over`` are messages that are no event we have a use for."""

    connects: int = 0
    losses: int = 0
    events: int = 0
    passed_over: int = 0
    handler_failures: int = 0
