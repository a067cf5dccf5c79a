"""``/api/v1/callbacks`` and ``/api/v1/calls``: calls that Waybell is asked to place."""

from __future__ import annotations

import hashlib
from dataclasses import astuple
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Body, Depends, Header, Path, Request, Response

from waybell.callbacks.ports import Callbacks
from waybell.callbacks.values import Asker, Callback, Wish
from web_app import examples
from web_app.auth import Authenticated, Bearer, Needs
from web_app.documents import CallbackBody, CallbackDocument, ClickBody, TestBody
from web_app.problems import ProblemError

PREFIX = "/api/v1"
_MOST_IN_A_MINUTE = 20

_KEY = Header(
    alias="Idempotency-Key",
    min_length=1,
    max_length=200,
    pattern=r"^[\x20-\x7e]+$",
    description="The same for the same call: asked for again under it, the call that is there comes back",
    examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
)


async def _port(request: Request) -> Callbacks:
    port: Callbacks = request.app.state.callbacks
    return port


async def _json_only(request: Request, _token: Authenticated) -> None:
    """Whose token it is comes first: nobody else learns what is wrong with a body."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        detail = "Send the body as JSON, with Content-Type: application/json."
        raise ProblemError("wrong-content-type", 415, "The body is not JSON", detail)


Port = Annotated[Callbacks, Depends(_port)]
Key = Annotated[str, _KEY]
OptionalKey = Annotated[str | None, _KEY]
CallbackId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,100}$", examples=["4f1c2a9e0b7d4c58"])]
CourierToken = Annotated[Bearer, Depends(Needs("courier", "admin"))]
OperatorToken = Annotated[Bearer, Depends(Needs("operator", "supervisor", "admin"))]
AdminToken = Annotated[Bearer, Depends(Needs("admin"))]


def callbacks_router() -> APIRouter:
    """The routes. The application's state holds ``callbacks`` and ``authenticate``."""
    router = APIRouter(prefix=PREFIX)
    common, body = examples.COMMON, (*examples.COMMON, *examples.OF_A_BODY, *examples.OF_A_CALL)
    asked = examples.found() | examples.problems(*common, "invalid-request", "unknown-callback", "pbx-unavailable")
    placed = examples.accepted() | examples.problems(*body, *examples.OF_EXTENSIONS)
    by_courier = examples.accepted() | examples.problems(*body, *examples.OF_A_CALLBACK)
    post = partial(router.add_api_route, methods=["POST"], status_code=202, dependencies=[Depends(_json_only)])
    path = "/callbacks/{callback_id}"
    post("/callbacks", place_callback, tags=["callbacks"], responses=by_courier)
    router.add_api_route(path, get_callback, methods=["GET"], tags=["callbacks"], responses=asked)
    router.add_api_route(path, cancel_callback, methods=["DELETE"], tags=["callbacks"], responses=asked)
    post("/calls", place_call, tags=["calls"], responses=placed)
    post("/calls/test", place_test_call, tags=["calls"], responses=placed)
    return router


async def place_callback(
    body: Annotated[CallbackBody, Body(openapi_examples=examples.CALLBACK_BODIES)],
    key: Key,
    token: CourierToken,
    callbacks: Port,
    response: Response,
) -> CallbackDocument:
    """Rings the courier and, once somebody has answered there, the other side."""
    return await _place(callbacks, token, body.wish(), key, response)


async def get_callback(callback_id: CallbackId, token: Authenticated, callbacks: Port) -> CallbackDocument:
    """Tells how far a call has come that this token asked for."""
    return _document(await callbacks.get(_asker(token), callback_id), callback_id)


async def cancel_callback(callback_id: CallbackId, token: Authenticated, callbacks: Port) -> CallbackDocument:
    """Ends a call that this token asked for, if it has not ended; how it ended is told by the same address."""
    return _document(await callbacks.cancel(_asker(token), callback_id), callback_id)


async def place_call(
    body: Annotated[ClickBody, Body(openapi_examples=examples.CLICK_BODIES)],
    token: OperatorToken,
    callbacks: Port,
    response: Response,
    key: OptionalKey = None,
) -> CallbackDocument:
    """Click to call: rings an extension and, once somebody has answered there, the number."""
    return await _place(callbacks, token, body.wish(), key, response)


async def place_test_call(
    body: Annotated[TestBody, Body(openapi_examples=examples.TEST_BODIES)],
    token: AdminToken,
    callbacks: Port,
    response: Response,
    key: OptionalKey = None,
) -> CallbackDocument:
    """Joins two phones, to see whether it works; how far it comes is told by the callback's address."""
    return await _place(callbacks, token, body.wish(), key, response)


async def _place(
    callbacks: Callbacks, token: Bearer, wish: Wish, key: str | None, response: Response
) -> CallbackDocument:
    asker, own = _asker(token), key or _of_this_minute(wish)
    placed = await callbacks.request(asker, wish, own)
    tries = 0
    while not key and placed.is_final and tries < _MOST_IN_A_MINUTE:
        # Who clicks again after a call that has ended means another one.
        placed, tries = await callbacks.request(asker, wish, f"{own}:after:{placed.id}"), tries + 1
    response.headers["Location"] = f"{PREFIX}/callbacks/{quote(placed.id, safe='')}"
    return CallbackDocument.of(placed)


def _now() -> datetime:
    return datetime.now(UTC)


def _of_this_minute(wish: Wish) -> str:
    """The key of who sends none: a double click is one call, as long as that has not ended."""
    asked = repr((type(wish).__name__, astuple(wish))).encode()
    return f"auto:{hashlib.sha256(asked).hexdigest()[:32]}@{_now():%Y-%m-%dT%H:%MZ}"


def _asker(token: Bearer) -> Asker:
    return Asker(owner=f"token:{token.id}", courier=token.courier)


def _document(callback: Callback | None, callback_id: str) -> CallbackDocument:
    if callback is None:
        detail = f"Nobody has asked for a call {callback_id} with this token."
        raise ProblemError("unknown-callback", 404, "There is no such call", detail)
    return CallbackDocument.of(callback)
