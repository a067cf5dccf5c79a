"""``GET /api/v1/calls/{id}/recording``: what was recorded of a call, whole or in parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, contextmanager
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from waybell.calls.journal import NoSuchCallError
from waybell.calls.values import Call
from waybell.recordings.service import Recordings, ids_of
from waybell.recordings.sounds import BusyError, MissingError, Sound, UnavailableError
from web_app import examples
from web_app.calls_api import PREFIX, CallId, OperatorToken, Port, Sounds
from web_app.problems import ProblemError
from web_app.questions import told
from web_app.ranges import UnsatisfiableError, part_of

_MEDIA_TYPE = "audio/wav"
_PIECE = 128 * 1024
_RETRY = {"Retry-After": "5"}
_log = structlog.get_logger("recordings")


async def _recordings(sounds: Sounds) -> Recordings:
    assert sounds is not None  # the route is there only where they are
    return sounds


Library = Annotated[Recordings, Depends(_recordings)]


class RecordingQuery(BaseModel):
    """What may be asked; a name that is not here is an error."""

    model_config = ConfigDict(extra="forbid")

    recording: str | None = Field(
        None,
        pattern=r"^[0-9]{8}-[0-9a-f]{20}$",
        description="The one with this id of the call's `recordings`, or its feedback's `comment`; else the first",
        examples=["20261122-c0f6927670789d733af7"],
    )


Which = Annotated[RecordingQuery, Query()]
Range = Annotated[
    str, Header(alias="Range", max_length=200, description="One range of bytes; several at once are answered whole")
]
IfRange = Annotated[str, Header(alias="If-Range", max_length=200, description="The ETag of the part that is there")]


def recordings_router() -> APIRouter:
    """The routes. The application's state holds ``recordings``, ``journal`` and ``authenticate``."""
    router = APIRouter(prefix=PREFIX, tags=["journal"])
    common = (*examples.COMMON, "invalid-request", "unknown-call", "not-recorded", "recording-missing")
    failures = ("recordings-unavailable", "recordings-slow", "too-many-listeners", "search-too-slow")
    sound = {"content": {_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
    unsatisfiable = examples.problems("range-not-satisfiable")
    answers: examples.Responses = {
        200: {"description": "The whole recording", **sound},
        206: {"description": "A part of it", **sound},
        **examples.problems(*common, *failures),
        **unsatisfiable,
    }
    path = "/calls/{call_id}/recording"
    options: dict[str, Any] = {"responses": answers, "response_class": Response, "status_code": 200}
    router.add_api_route(path, get_recording, methods=["GET"], **options)
    router.add_api_route(path, head_recording, methods=["HEAD"], **options)
    return router


async def get_recording(
    call_id: CallId,
    token: OperatorToken,
    journal: Port,
    sounds: Library,
    query: Which,
    range_: Range = "",
    if_range: IfRange = "",
) -> Response:
    """The recording. Who asks for it, for which call and when is noted before anything is sent."""
    id_ = await _chosen(call_id, query.recording, journal)
    async with AsyncExitStack() as stack:
        with _explained(id_):
            sound = await stack.enter_async_context(sounds.sound(id_))
            start, end, status, headers = _cut(sound, id_, range_, if_range)
            await _noted(sounds, call_id, id_, token.id, token.name)
            # Read before the answer begins: afterwards nobody could be told that the place hangs.
            first = await sound.read(start, min(end, start + _PIECE)) if end > start else b""
        pieces = _pieces(sound, first, start, end)
        return SoundResponse(pieces, status, headers, stack.pop_all())
    raise AssertionError  # the block returns or raises


async def head_recording(
    call_id: CallId,
    _token: OperatorToken,
    journal: Port,
    sounds: Library,
    query: Which,
    range_: Range = "",
    if_range: IfRange = "",
) -> Response:
    """What ``GET`` would answer, without the sound."""
    id_ = await _chosen(call_id, query.recording, journal)
    with _explained(id_):
        async with sounds.sound(id_) as sound:
            _, _, status, headers = _cut(sound, id_, range_, if_range)
    return Response(status_code=status, headers=headers, media_type=_MEDIA_TYPE)


class SoundResponse(StreamingResponse):
    """Sound as it comes. ``held`` is let go of at the end, whatever ended it."""

    media_type = _MEDIA_TYPE

    def __init__(
        self, pieces: AsyncIterator[bytes], status: int, headers: dict[str, str], held: AsyncExitStack
    ) -> None:
        super().__init__(pieces, status, headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves it."""
        async with self._held:
            await super().__call__(scope, receive, send)


async def _chosen(call_id: str, recording: str | None, journal: Port) -> str:
    """The id of the recording that is asked for: one of this call's, as the journal has it."""
    call = await _call(call_id, journal)
    ids = ids_of(call)
    if not ids:
        detail = f"Nothing was recorded of call {call_id}."
        raise ProblemError("not-recorded", 404, "The call was not recorded", detail)
    if recording is not None and recording not in ids:
        detail = f"Call {call_id} has no recording {recording}; it has {', '.join(ids)}."
        raise ProblemError("not-recorded", 404, "The call was not recorded", detail)
    return recording or ids[0]


async def _call(call_id: str, journal: Port) -> Call:
    with told():
        try:
            return await journal.call(call_id)
        except NoSuchCallError:
            detail = f"There is no call {call_id} in the journal."
            raise ProblemError("unknown-call", 404, "There is no such call", detail) from None


def _cut(sound: Sound, id_: str, range_: str, if_range: str) -> tuple[int, int, int, dict[str, str]]:
    """(first byte, behind the last, status, headers)."""
    size, etag = sound.facts.size, f'"{sound.facts.version}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'inline; filename="{id_}.wav"',
    }
    try:
        part = part_of(size, range_, if_range, etag)
    except UnsatisfiableError:
        detail = f"The recording has {size} bytes."
        refused = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        raise ProblemError("range-not-satisfiable", 416, "No such part", detail, refused) from None
    start, end = part or (0, size)
    headers["Content-Length"] = str(end - start)
    if part is None:
        return start, end, 200, headers
    return start, end, 206, headers | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}


async def _noted(sounds: Recordings, call_id: str, id_: str, token: str, name: str) -> None:
    try:
        await sounds.listened(call_id, id_, token, name)
    except (SQLAlchemyError, OSError) as error:
        detail = "Who listens must be noted, and Waybell's own database gives no answer just now; ask again."
        raise ProblemError("store-unavailable", 503, "Store unavailable", detail, _RETRY) from error


@contextmanager
def _explained(id_: str) -> Any:
    """What goes wrong with the sound, as problems."""
    try:
        yield
    except MissingError:
        detail = f"The file of recording {id_} is not where recordings are kept: deleted, moved or never written."
        raise ProblemError("recording-missing", 404, "The recording is gone", detail) from None
    except BusyError:
        detail = "As many recordings are listened to as may be at once (recordings.at_once); ask again."
        raise ProblemError("too-many-listeners", 503, "Too many listeners", detail, _RETRY) from None
    except UnavailableError as error:
        _log.warning("recording cannot be read", recording=id_, problem=str(error))
        if error.slow:
            detail = "The place where recordings are kept gives no answer in time; ask again later."
            raise ProblemError("recordings-slow", 504, "No answer in time", detail) from None
        detail = "The place where recordings are kept cannot be read just now; `waybell check` tells why."
        raise ProblemError("recordings-unavailable", 503, "Recordings unavailable", detail, _RETRY) from None


async def _pieces(sound: Sound, first: bytes, start: int, end: int) -> AsyncIterator[bytes]:
    piece, at = first, start
    while piece:
        yield piece
        at += len(piece)
        if at >= end:
            return
        piece = await sound.read(at, min(at + _PIECE, end))
    if at < end:
        raise UnavailableError("the recording became shorter while it was read")
