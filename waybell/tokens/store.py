"""Where tokens are kept: the store's table, each question within a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from waybell.store.token_tables import tokens
from waybell.tokens.values import Scope, Token, TokensUnavailableError

_DEADLINE_SECONDS = 2.0


class TokenStore:
    """The table ``tokens``. Every method raises :class:`TokensUnavailableError` when the database does not answer."""

    def __init__(self, engine: AsyncEngine, deadline: float = _DEADLINE_SECONDS) -> None:
        self._engine, self._deadline = engine, deadline

    async def add(self, token: Token, hashed: str) -> bool:
        """Keep a new token; ``False`` when there is a live one of its name."""
        named = select(tokens).where(tokens.c.name == token.name, tokens.c.revoked_at.is_(None))
        async with self._connection() as connection:
            others = (await connection.execute(named)).all()
            if any(_token(row).is_live(token.created_at) for row in others):
                return False
            await connection.execute(insert(tokens), _row(token, hashed))
        return True

    async def find(self, ident: str) -> tuple[Token, str] | None:
        """The token of that id, live or not, with its hash."""
        async with self._connection() as connection:
            row = (await connection.execute(select(tokens).where(tokens.c.id == ident))).first()
        return (_token(row), str(row.hash)) if row else None

    async def all(self) -> tuple[Token, ...]:
        """Every token there was, the newest last."""
        async with self._connection() as connection:
            rows = (await connection.execute(select(tokens).order_by(tokens.c.created_at, tokens.c.id))).all()
        return tuple(map(_token, rows))

    async def revoke(self, name_or_id: str, now: datetime) -> bool:
        """End the tokens of that name or id; ``False`` when none of them was left."""
        mine = or_(tokens.c.id == name_or_id, tokens.c.name == name_or_id)
        ended = update(tokens).where(mine, tokens.c.revoked_at.is_(None)).values(revoked_at=_naive(now))
        async with self._connection() as connection:
            return (await connection.execute(ended)).rowcount > 0

    async def touch(self, ident: str, now: datetime, apart: timedelta) -> None:
        """Note that the token is used, unless that was noted less than ``apart`` ago."""
        last = tokens.c.last_used_at
        due = or_(last.is_(None), last <= _naive(now - apart))
        used = update(tokens).where(tokens.c.id == ident, due).values(last_used_at=_naive(now))
        async with self._connection() as connection:
            await connection.execute(used)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(self._deadline), self._engine.begin() as connection:
                yield connection
        except TimeoutError as error:
            raise TokensUnavailableError(f"the store gave no answer within {self._deadline:g} s") from error
        except (SQLAlchemyError, OSError) as error:
            raise TokensUnavailableError("the store cannot be asked for tokens; see: waybell check") from error


def _row(token: Token, hashed: str) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope.value,
        "courier": token.courier,
        "hash": hashed,
        "created_at": _naive(token.created_at),
        "last_used_at": None,
        "expires_at": _naive(token.expires_at) if token.expires_at else None,
        "networks": ",".join(map(str, token.networks)),
        "revoked_at": None,
    }


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        scope=Scope(row.scope),
        courier=row.courier,
        networks=tuple(ip_network(text) for text in row.networks.split(",") if text),
        created_at=row.created_at.replace(tzinfo=UTC),
        last_used_at=_aware(row.last_used_at),
        expires_at=_aware(row.expires_at),
        revoked_at=_aware(row.revoked_at),
    )


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
