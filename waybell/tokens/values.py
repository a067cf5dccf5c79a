"""A token as values: what it may do, whom and where it is bound to. No I/O, and nothing secret."""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

# 25 random bytes make 40 letters and digits that a double click selects whole.
_SECRET_BYTES = 25
_TEXT = re.compile(r"wb_(?P<id>[0-9a-f]{10})_(?P<secret>[a-z2-7]{40})")


class Scope(StrEnum):
    """What a token may do: the scope that a call of the API asks for.

    An admin's may do all, a supervisor's all that an operator's may. A courier's places callbacks and nothing else,
    and of the others only an admin's may do that: who looks after calls at a desk has a phone to click to call with.
    """

    COURIER = "courier"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


_INCLUDES = {
    Scope.COURIER: frozenset({Scope.COURIER}),
    Scope.OPERATOR: frozenset({Scope.OPERATOR}),
    Scope.SUPERVISOR: frozenset({Scope.SUPERVISOR, Scope.OPERATOR}),
    Scope.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. ``id`` is public, is in the token's text and never used again; ``name`` may be.

    ``courier``: the only courier it may call for; ``None``: whichever its user names. ``networks``: where it may be
    used from; empty: anywhere. Times are UTC with zone. ``last_used_at`` may be up to a minute behind.
    """

    id: str
    name: str
    scope: Scope
    courier: str | None
    networks: tuple[Network, ...]
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def allows(self, needed: Scope) -> bool:
        """Whether it may make a call of the API that asks for ``needed``."""
        return needed in _INCLUDES[self.scope]

    def may_call_for(self, courier: str) -> bool:
        """Whether it may place calls of this courier's."""
        return self.courier is None or self.courier == courier

    def is_live(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def is_allowed_from(self, peer: str) -> bool:
        """Whether it may be used from the address ``peer``; text that is no address is in no network."""
        if not self.networks:
            return True
        address = read_address(peer)
        return address is not None and any(address in network for network in self.networks)


class TokenError(ValueError):
    """A token cannot be made like this; one sentence that says what is allowed."""


class RefusedTokenError(Exception):
    """What was shown is not let in. None of these errors holds any part of it."""


class BadTokenError(RefusedTokenError):
    """No token, an unknown one, a revoked or an expired one; it is not told which."""

    def __init__(self) -> None:
        super().__init__(
            "the token is not valid: it is unknown, expired or revoked; make one with: waybell token create"
        )


class ForbiddenNetworkError(RefusedTokenError):
    """A good token from an address that it may not be used from."""

    def __init__(self) -> None:
        super().__init__("the token may not be used from this address")


class TooManyGuessesError(RefusedTokenError):
    """Not looked at: too many wrong ones came from this address. It may try again after ``retry_after`` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many wrong tokens came from this address; try again in {retry_after} s")
        self.retry_after = retry_after


class TokensUnavailableError(ConnectionError):
    """The store gave no answer, so that nobody can be let in just now."""


def new_text() -> tuple[str, str, str]:
    """A new token's id, its secret, and the text that has both."""
    ident = secrets.token_hex(5)
    secret = base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii").lower()
    return ident, secret, f"wb_{ident}_{secret}"


def read_text(text: str) -> tuple[str, str] | None:
    """The id and the secret of ``text``; ``None`` when it is no token's."""
    found = _TEXT.fullmatch(text)
    return (found["id"], found["secret"]) if found else None


def read_address(peer: str) -> IPv4Address | IPv6Address | None:
    """``peer`` as an address, one of IPv4 as such also where a socket of IPv6 took it; ``None`` when it is none."""
    try:
        address = ip_address(peer)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
