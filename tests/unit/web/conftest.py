from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from tests.fakes.callbacks import FakeCallbacks
from waybell.callbacks.ports import Callbacks
from web_app.app import Api, build_app
from web_app.auth import Bearer, ForbiddenNetworkError, TooManyGuessesError, UnauthorizedError

TOKENS = {
    "app": Bearer("1", "the couriers' app", "courier"),
    "eleven": Bearer("2", "courier 11's phone", "courier", "11"),
    "desk": Bearer("3", "a desk", "operator"),
    "boss": Bearer("4", "the boss", "supervisor"),
    "root": Bearer("5", "an admin", "admin"),
}


async def authenticate(token: str, _peer: str) -> Bearer:
    """Whose token it is, out of those above."""
    if token == "elsewhere":
        raise ForbiddenNetworkError
    if token == "guess":
        raise TooManyGuessesError(7)
    if token not in TOKENS:
        raise UnauthorizedError
    return TOKENS[token]


async def nothing_is_ready() -> dict[str, bool]:
    """No part there is."""
    return {}


def app_of(callbacks: Callbacks) -> FastAPI:
    """The application with these callbacks."""
    return build_app(nothing_is_ready, CollectorRegistry(), "1.0", Api(callbacks, authenticate))


@asynccontextmanager
async def client(callbacks: Callbacks | None = None, token: str = "app") -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application with ``token``; without one where that is empty."""
    app = app_of(callbacks or FakeCallbacks())
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=("192.0.2.7", 4711))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(transport=transport, base_url="http://waybell/api/v1", headers=headers) as web:
        yield web
