"""What a token may be called and bound to. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import ip_network

from waybell.tokens.values import Network, Scope, Token, TokenError, read_text

_LONGEST = 100
_LONGEST_NETWORKS = 1000
# As an id is revoked by its text too, no name may look like one.
_LIKE_AN_ID = re.compile(r"[0-9a-f]{10}")


def describe(
    ident: str,
    name: str,
    scope: str,
    courier: str | None,
    expires: datetime | None,
    networks: Iterable[str | Network],
    now: datetime,
) -> Token:
    """The token that these words ask for; :class:`TokenError` says what is wrong with them.

    ``expires`` without a zone is UTC.
    """
    return Token(
        id=ident,
        name=_name(name),
        scope=_scope(scope),
        courier=_courier(courier, scope),
        networks=_networks(networks),
        created_at=now,
        expires_at=_expires(expires, now),
    )


def _name(name: str) -> str:
    if not _is_word(name):
        raise TokenError(f"a token's name has 1 to {_LONGEST} printable characters and no space at its ends")
    if _LIKE_AN_ID.fullmatch(name) or read_text(name):
        raise TokenError("a token's name must not look like a token or its id; say who will use it: mobile-app")
    return name


def _scope(scope: str) -> Scope:
    try:
        return Scope(scope)
    except ValueError:
        raise TokenError(f"scope {scope!r} is unknown; allowed: {', '.join(Scope)}") from None


def _courier(courier: str | None, scope: str) -> str | None:
    if courier is None:
        return None
    if scope != Scope.COURIER:
        raise TokenError(f"only a token of scope courier can be bound to a courier, not one of scope {scope}")
    if not _is_word(courier):
        raise TokenError(f"a courier's id has 1 to {_LONGEST} printable characters and no space at its ends")
    return courier


def _expires(expires: datetime | None, now: datetime) -> datetime | None:
    if expires is None:
        return None
    moment = (expires if expires.tzinfo else expires.replace(tzinfo=UTC)).astimezone(UTC)
    if moment <= now:
        raise TokenError(f"the token would have expired already, at {moment:%Y-%m-%d %H:%M} UTC")
    return moment


def _networks(networks: Iterable[str | Network]) -> tuple[Network, ...]:
    found: list[Network] = []
    for text in networks:
        try:
            found.append(ip_network(text))
        except ValueError as error:
            raise TokenError(f"not a network: {error}; write it like 192.0.2.0/24 or 2001:db8::/32") from None
    unique = tuple(dict.fromkeys(found))
    if len(",".join(map(str, unique))) > _LONGEST_NETWORKS:
        raise TokenError(f"too many networks: together they may have {_LONGEST_NETWORKS} characters")
    return unique


def _is_word(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and text.isprintable() and text == text.strip()
