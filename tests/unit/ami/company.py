"""The user, the messages and the callbacks that the AMI door's tests have in common."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from ami_app.users import AmiUser
from waybell.callbacks.values import Asker, ByPhones, Callback, Kind, Party, Plan, Reason, RefusedError, Status, Wish

SECRET = "Kur1er;Секрет"
COURIER, CUSTOMER = "+79010000011", "+79161234567"
LOOPBACK = (ip_network("127.0.0.0/8"),)


def user(**changes: Any) -> AmiUser:
    """A user as the CRM vendor's server is one."""
    return replace(AmiUser("measoft", SECRET, LOOPBACK, "SIP/trunk", ("outgoing",)), **changes)


LOGIN = f"Action: login\r\nUsername: measoft\r\nSecret: {SECRET}\r\n\r\n".encode()
ORIGINATE = (
    f"Action: originate\r\nChannel: SIP/trunk/{COURIER}\r\nWaitTime: 30\r\nCallerId: 0\r\n"
    f"Exten: {CUSTOMER}\r\nContext: outgoing\r\nPriority: 1\r\n\r\n"
).encode()
LOGOFF = b"Action: Logoff\r\n\r\n"

ANSWERED = (
    b"Asterisk Call Manager/9.0.0\r\n"
    b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
    b"Response: Success\r\nMessage: Originate successfully queued\r\n\r\n"
    b"Response: Goodbye\r\nMessage: Thanks for all the fish.\r\n\r\n"
)
"""What the three of them are answered."""


class FakeCallbacks:
    """Callbacks that behave: one call for each key of an owner's, and the same key with another wish is refused.

    ``refusal`` or ``failure`` is raised instead; while ``gate`` is not set, requests wait (``waiting`` tells that one
    does); ``ends_with`` makes a call that has failed at once.
    """

    def __init__(self) -> None:
        self.calls: dict[tuple[str, str], Callback] = {}
        self.wishes: dict[tuple[str, str], Wish] = {}
        self.requests = 0
        self.refused_wishes: list[tuple[Wish, RefusedError]] = []
        self.refusal: RefusedError | None = None
        self.failure: Exception | None = None
        self.ends_with: Reason | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = asyncio.Event()
        self.placed = asyncio.Event()

    async def refused(self, wish: Wish, refusal: RefusedError) -> None:
        """Keeps what the door did not let through."""
        self.refused_wishes.append((wish, refusal))

    async def request(self, asker: Asker, wish: Wish, key: str) -> Callback:
        """Places a call, or gives the one that was placed under this key."""
        self.requests += 1
        self.waiting.set()
        await self.gate.wait()
        if self.refusal:
            raise self.refusal
        if self.failure:
            raise self.failure
        where = (asker.owner, key)
        if self.wishes.setdefault(where, wish) != wish:
            raise RefusedError("key-reused", 422, "Key used before", "another call has this key")
        if where not in self.calls:
            self.calls[where] = self._call(wish)
        self.placed.set()
        return self.calls[where]

    async def get(self, asker: Asker, callback_id: str) -> Callback | None:
        """The door asks for none."""
        raise AssertionError("the AMI door asks for no call")

    cancel = get

    def _call(self, wish: Wish) -> Callback:
        assert isinstance(wish, ByPhones)
        plan = Plan(Kind.CALLBACK, Party(wish.caller), Party(wish.to))
        status = Status.FAILED if self.ends_with else Status.REQUESTED
        now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        return Callback(f"c{len(self.calls)}", plan, status, now, now, self.ends_with)


class Lines:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **details: Any) -> None:
        """Keeps one line."""
        self.lines.append((event, details))

    info = warning

    @property
    def events(self) -> list[str]:
        """The lines without their details."""
        return [event for event, _ in self.lines]
