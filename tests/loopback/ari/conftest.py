"""Every test of the client and the listener runs on asyncio's own loop and on uvloop, which production uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from tests.loopback.ari.fake_ari import FakeAri


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops to run on."""
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def ari() -> AsyncIterator[FakeAri]:
    """A fake ARI of one's own."""
    async with FakeAri() as fake:
        yield fake
