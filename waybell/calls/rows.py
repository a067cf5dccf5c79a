"""A call as a row of the table ``calls``, and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import String

from waybell.calls.search_terms import names_of
from waybell.calls.values import (
    Call,
    Direction,
    Feedback,
    Leg,
    Party,
    Recording,
    RouteStep,
    Status,
    leg_json,
    micros,
    sql_time,
    step_json,
)
from waybell.store.tables import calls

_LIMITS = {column.name: column.type.length or 0 for column in calls.c if type(column.type) is String}
_TEXTS = tuple(name for name in _LIMITS if name not in ("pbx", "direction", "status", "names"))
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_row(call: Call, pbx: str) -> dict[str, Any]:
    """``call`` as column values, as they go to the database's driver: times are text.

    Text that is longer than its column is cut: a caller must not stop the journal.
    """
    caller, answerer = call.caller, call.answered_by
    row: dict[str, Any] = {
        "id": call.id,
        "pbx": pbx,
        "direction": call.direction.value,
        "status": call.status.value,
        "started_at": sql_time(call.started_at),
        "answered_at": sql_time(call.answered_at),
        "ended_at": sql_time(call.ended_at),
        "caller_number": caller.number,
        "caller_name": caller.name,
        "caller_kind": caller.kind,
        "caller_id": caller.id,
        "dialed": call.dialed,
        "answered_number": answerer.number if answerer else None,
        "answered_name": answerer.name if answerer else None,
        "answered_kind": answerer.kind if answerer else None,
        "answered_id": answerer.id if answerer else None,
        "parcel": call.parcel,
        "courier": call.courier,
        "client": call.client,
        "manager": call.manager,
        "wait_seconds": call.wait_seconds,
        "ring_seconds": call.ring_seconds,
        "talk_seconds": call.talk_seconds,
        "legs": _storable(_encode([leg_json(leg) for leg in call.legs])),
        "route": _storable(_encode([step_json(step) for step in call.route])),
        "facets": None,
        "recordings": _encode([[kept.id, kept.at] for kept in call.recordings]) if call.recordings else None,
    }
    for name in _TEXTS:
        text = row[name]
        if text is not None and (not text.isascii() or len(text) > _LIMITS[name]):
            row[name] = _storable(text)[: _LIMITS[name]]
    row["names"] = names_of(row["caller_name"], row["answered_name"])[: _LIMITS["names"]]
    return row


def from_row(row: Mapping[Any, Any]) -> Call:
    """The call that :func:`to_row` made ``row`` of."""
    answerer = _party(row, "answered")
    return Call(
        id=row["id"],
        direction=Direction(row["direction"]),
        status=Status(row["status"]),
        started_at=_at(row["started_at"]),
        answered_at=micros(row["answered_at"]),
        ended_at=micros(row["ended_at"]),
        caller=_party(row, "caller"),
        dialed=row["dialed"],
        answered_by=None if answerer == Party() and row["answered_at"] is None else answerer,
        parcel=row["parcel"],
        courier=row["courier"],
        client=row["client"],
        manager=row["manager"],
        wait_seconds=row["wait_seconds"],
        ring_seconds=row["ring_seconds"],
        talk_seconds=row["talk_seconds"],
        legs=tuple(_leg(leg) for leg in json.loads(row["legs"])),
        route=tuple(_step(step) for step in json.loads(row["route"])),
        recordings=tuple(Recording(*recording) for recording in json.loads(row.get("recordings") or "[]")),
        feedback=Feedback(*json.loads(row["feedback"])) if row.get("feedback") else None,
    )


def feedback_text(feedback: Feedback) -> str:
    """``feedback`` as the column of that name holds it."""
    return _encode([feedback.asked_at, feedback.rating, feedback.at, feedback.comment])


def _party(row: Mapping[Any, Any], prefix: str) -> Party:
    return Party(*(row[f"{prefix}_{field}"] for field in ("number", "name", "kind", "id")))


def _leg(leg: dict[str, Any]) -> Leg:
    return Leg(
        leg["number"],
        leg["channel"],
        _at(leg["started_at"]),
        micros(leg["answered_at"]),
        micros(leg["ended_at"]),
        leg["hangup_cause"],
        bool(leg.get("hung_up")),
    )


def _step(step: dict[str, Any]) -> RouteStep:
    return RouteStep(_at(step["at"]), step["step"], step["verb"], step["why"], step["result"], step["source"])


def _at(moment: Any) -> int:
    at = micros(moment)
    assert at is not None
    return at


def _storable(text: str) -> str:
    """``text`` without lone surrogates (a log's JSON may hold them), which no database takes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
