"""Makes, lists, revokes and verifies tokens.

A token's secret is verified against its Argon2 hash once; from then on this process knows the token's text by an HMAC
under a key of its own, and asks the store now and then whether the token is still good.
"""

from __future__ import annotations

import hmac
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv6Address, IPv6Network

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.tokens.guesses import Guesses
from waybell.tokens.hashing import Hasher
from waybell.tokens.making import describe
from waybell.tokens.once import Once
from waybell.tokens.store import TokenStore
from waybell.tokens.values import (
    BadTokenError,
    ForbiddenNetworkError,
    Network,
    Token,
    TokenError,
    TokensUnavailableError,
    TooManyGuessesError,
    new_text,
    read_address,
    read_text,
)

# A revoked token is refused after so long at the latest, and the store is asked so often for each token in use.
_TRUSTED_SECONDS = 2.0
_KNOWN = 10_000
_USE_APART = timedelta(minutes=1)
# Of one token from one address, and of all tokens from one address: many may share an address, one of them wrong.
_FREE, _FREE_OF_ADDRESS = 5, 20
_AT_ONCE, _AT_ONCE_OF_ADDRESS = 200, 100
_LONGEST_TEXT = 200


@dataclass(slots=True)
class _Known:
    """A token whose text was verified. ``read_at``: when the store was last asked for it, on the service's clock."""

    token: Token
    read_at: float


class Tokens:
    """Everything there is to do with tokens, on a migrated store. Use it in one event loop and :meth:`close` it.

    ``clock`` gives seconds and only goes forward. Every method raises :class:`TokensUnavailableError` when the store
    does not answer. No token's text is kept, logged or in an error.
    """

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._hasher, self._clock = TokenStore(engine), Hasher(), clock
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._wrong = Guesses(_FREE, _FREE, clock=clock)
        self._wrong_of_address = Guesses(_FREE_OF_ADDRESS, _AT_ONCE_OF_ADDRESS, clock=clock)
        self._verifying, self._reading, self._noting = Once[_Known | None](), Once[Token | None](), Once[None]()
        self._log = structlog.get_logger("tokens")

    async def create(
        self,
        name: str,
        scope: str,
        courier: str | None = None,
        expires: datetime | None = None,
        networks: Iterable[str | Network] = (),
    ) -> tuple[Token, str]:
        """A new token and its text, which nobody can be told again. :class:`TokenError` says what is not allowed."""
        ident, secret, text = new_text()
        token = describe(ident, name, scope, courier, expires, networks, datetime.now(UTC))
        if not await self._store.add(token, await self._hasher.hash(secret)):
            raise TokenError(f"there is a token {name!r} already; revoke it first, or choose another name")
        return token, text

    async def list(self) -> tuple[Token, ...]:
        """Every token, the revoked ones too, the newest last."""
        return await self._store.all()

    async def revoke(self, name_or_id: str) -> bool:
        """End a token, here at once and in other processes within seconds; ``False`` when there is none to end."""
        ended = await self._store.revoke(name_or_id, datetime.now(UTC))
        for known in self._known.values():
            known.read_at = -math.inf
        return ended

    async def check(self, text: str, peer_address: str, now: datetime) -> Token:
        """The token that ``text`` is, shown by ``peer_address`` at ``now`` (with zone).

        Raises :class:`BadTokenError`, :class:`ForbiddenNetworkError` or, too often wrong, :class:`TooManyGuessesError`.
        A text that is known to be good is let in also from an address that guesses.
        """
        digest = hmac.digest(self._key, text[:_LONGEST_TEXT].encode("utf-8", "replace"), "sha256")
        known = await self._remembered(digest, now) if read_text(text) else None
        if known is None:
            known = await self._verified(text, digest, peer_address, now)
        if not known.token.is_allowed_from(peer_address):
            raise ForbiddenNetworkError
        self._note_use(known, now)
        return known.token

    async def close(self) -> None:
        """Stop what is under way; a use that is being noted is noted first."""
        await self._noting.finish()
        await self._verifying.close()
        await self._reading.close()
        self._hasher.close()

    async def _remembered(self, digest: bytes, now: datetime) -> _Known | None:
        known = self._known.get(digest)
        if known is None:
            return None
        if self._clock() - known.read_at >= _TRUSTED_SECONDS:
            await self._read_again(known)
        if known.token.is_live(now):
            self._known.move_to_end(digest)
            return known
        self._known.pop(digest, None)
        return None

    async def _read_again(self, known: _Known) -> None:
        asked_at, ident = self._clock(), known.token.id
        token = await self._reading.run(ident, partial(self._find, ident))
        known.token = token or replace(known.token, revoked_at=datetime.now(UTC))
        known.read_at = asked_at

    async def _find(self, ident: str) -> Token | None:
        found = await self._store.find(ident)
        return found[0] if found else None

    async def _verified(self, text: str, digest: bytes, peer: str, now: datetime) -> _Known:
        place = _place(peer)
        if len(self._verifying) >= _AT_ONCE:
            raise TooManyGuessesError(1)
        known = await self._verifying.run((digest, place), partial(self._try, text, place, now))
        if known is None:
            raise BadTokenError
        self._known[digest] = known
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return known

    async def _try(self, text: str, place: str, now: datetime) -> _Known | None:
        ident = (read_text(text) or ("", ""))[0]
        self._begin(place, ident)
        wrong = False
        try:
            known = await self._look_up(text, now)
            wrong = known is None
            return known
        finally:
            self._end(place, ident, wrong)

    async def _look_up(self, text: str, now: datetime) -> _Known | None:
        if (read := read_text(text)) is None:
            return None
        (ident, secret), asked_at = read, self._clock()
        found = await self._store.find(ident)
        good = await self._hasher.verify(found[1] if found else None, secret)
        return _Known(found[0], asked_at) if found and good and found[0].is_live(now) else None

    def _begin(self, place: str, ident: str) -> None:
        if wait := self._wrong_of_address.begin(place):
            raise TooManyGuessesError(wait)
        if wait := self._wrong.begin((place, ident)):
            self._wrong_of_address.end(place, wrong=False)
            raise TooManyGuessesError(wait)

    def _end(self, place: str, ident: str, wrong: bool) -> None:
        """Somebody's one outdated token, shown again and again, is one wrong try of all who share the address."""
        times = self._wrong.end((place, ident), wrong=wrong)
        others = self._wrong_of_address.end(place, wrong=wrong and times == 1)
        if wrong and (times >= _FREE or others >= _FREE_OF_ADDRESS):
            self._log.warning("too many wrong tokens from an address", peer=place, times=times, tokens=others)

    def _note_use(self, known: _Known, now: datetime) -> None:
        last = known.token.last_used_at
        if last is None or now - last >= _USE_APART:
            known.token = replace(known.token, last_used_at=now)
            self._noting.start(known.token.id, partial(self._touch, known.token.id, now))

    async def _touch(self, ident: str, now: datetime) -> None:
        try:
            await self._store.touch(ident, now, _USE_APART)
        except TokensUnavailableError as error:
            self._log.warning("a token's use could not be noted", token=ident, why=str(error))


def _place(peer: str) -> str:
    """Whom guesses from ``peer`` count against: an address of IPv4; of IPv6 the /64 that one subscriber has."""
    address = read_address(peer)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), 64), strict=False))
    return str(address) if address else peer[:64]
