from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.loopback.journal.conftest import empty_engine, engine, mariadb, store_url
from waybell.tokens.service import Tokens

__all__ = ["Clock", "empty_engine", "engine", "mariadb", "store_url"]


class Clock:
    """Seconds that go by only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tokens(engine: AsyncEngine, clock: Clock) -> AsyncIterator[Tokens]:
    service = Tokens(engine, clock)
    yield service
    await service.close()
