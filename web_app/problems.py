"""Every error of the HTTP door as one kind of document (RFC 9457, ``application/problem+json``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from waybell.callbacks.values import RefusedError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:waybell:problem:"

_MOST_FAULTS = 20
_MOST_POINTER = 200
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_OF_STATUS = {
    400: ("unreadable-body", "The body cannot be read", "The body is not JSON, or nested deeper than it may be."),
    404: ("not-found", "Nothing is here", "There is nothing at this address; /openapi.json lists what there is."),
    405: ("method-not-allowed", "This cannot be done here", "The header Allow lists the methods of this address."),
    408: ("request-timeout", "The body came too slowly", "The body was not complete in time; send it again."),
    413: ("body-too-large", "The body is too large", "A body may have 64 KiB."),
    500: ("internal-error", "Waybell met an error", "What happened was not expected; Waybell's log tells more."),
}


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    in_: str = Field(alias="in", description="body, path, query or header", examples=["body"])
    pointer: str = Field(description="JSON pointer (RFC 6901) into it, or the name", examples=["/courier"])
    message: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """What went wrong, to which request, and what to do about it."""

    type: str = Field(description="Names the rule; never changes", examples=[TYPE_PREFIX + "foreign-parcel"])
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str = Field(description="The path that was asked for", examples=["/api/v1/callbacks"])
    errors: list[Fault] = Field(default=[], description="What is wrong with the request, where it was not valid")


class ProblemError(Exception):
    """Ends a request with a problem document. ``type_`` is the last part of the document's ``type``."""

    def __init__(
        self, type_: str, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.type = type_
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = headers


class ProblemResponse(JSONResponse):
    """A problem document. What a peer sent may stand in it and need not be valid Unicode."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """``content`` as JSON."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def report_problems(app: FastAPI) -> None:
    """Every error of ``app``, of FastAPI and of Starlette becomes a problem document."""
    app.add_exception_handler(ProblemError, _of_ours)
    app.add_exception_handler(RefusedError, _of_a_rule)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _unexpected)


def problem_of_status(path: str, status: int, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """The document of an HTTP status that needs no more words. ``path`` is the request's."""
    type_, title, detail = _OF_STATUS.get(status, (f"http-{status}", "The request failed", "It cannot be answered."))
    return _problem(path, ProblemError(type_, status, title, detail, headers))


def _problem(path: str, error: ProblemError, faults: Sequence[Fault] = ()) -> ProblemResponse:
    content: dict[str, object] = {
        "type": TYPE_PREFIX + error.type,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": quote(path[:_MOST_POINTER], errors="replace"),
    }
    if faults:
        content["errors"] = [fault.model_dump(by_alias=True) for fault in faults]
    return ProblemResponse(content, error.status, error.headers)


async def _of_ours(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, ProblemError)
    return _problem(request.scope["path"], error)


async def _of_a_rule(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RefusedError)
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after > 0 else None
    return _problem(request.scope["path"], ProblemError(error.type, error.status, error.title, error.detail, headers))


async def _of_http(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    headers = {"Allow": ", ".join(_allowed(request))} if error.status_code == 405 else error.headers
    return problem_of_status(request.scope["path"], error.status_code, headers)


async def _unexpected(request: Request, _error: Exception) -> ProblemResponse:
    return problem_of_status(request.scope["path"], 500)


async def _of_validation(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    path: str = request.scope["path"]
    errors: Sequence[Mapping[str, Any]] = error.errors()
    if any(fault["type"] == "json_invalid" for fault in errors):
        return problem_of_status(path, 400)
    if any(fault["type"] == "missing" and fault["loc"] == ("header", "Idempotency-Key") for fault in errors):
        detail = "Send the header Idempotency-Key: the same key for the same call, however often it is asked for."
        return _problem(path, ProblemError("idempotency-key-missing", 400, "The Idempotency-Key is missing", detail))
    wrong = ProblemError("invalid-request", 422, "The request is not valid", "errors lists what is wrong with it.")
    return _problem(path, wrong, [_fault(fault) for fault in errors[:_MOST_FAULTS]])


def _fault(error: Mapping[str, Any]) -> Fault:
    where, *parts = error["loc"]
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    message = str(error["msg"]).removeprefix("Value error, ")
    return Fault.model_construct(in_=str(where), pointer=pointer[:_MOST_POINTER], message=message[:_MOST_POINTER])


def _allowed(request: Request) -> list[str]:
    """Starlette names only the methods of the first route that has this path."""
    routes = request.app.router.routes
    return [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
