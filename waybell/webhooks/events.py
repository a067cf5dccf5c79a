"""What a webhook is told: CloudEvents 1.0, JSON. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from waybell.callbacks.values import Callback
from waybell.calls.feed import Happening
from waybell.calls.values import iso

CONTENT_TYPE = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Event:
    """``id`` is the same whenever the same thing is found again. Events of one ``subject`` are delivered in order.

    ``at``: microseconds since 1970. ``body`` is the JSON text.
    """

    id: str
    type: str
    subject: str
    at: int
    body: str


def call_event(told: Happening, pbx: str) -> Event:
    """What happened to a call."""
    data: dict[str, Any] = {"call": told.call.as_json(), "complete": told.complete}
    if told.into:
        data["into"] = told.into
    change = told.change
    return _event(change.id, change.type.value, told.call.id, change.at, pbx, data)


def callback_event(callback: Callback, version: int, pbx: str) -> Event:
    """How far a call that Waybell places has come. It holds no number, as its document of the API does not."""
    plan = callback.plan
    data = {
        "id": callback.id,
        "status": callback.status.value,
        "reason": callback.reason.value if callback.reason else None,
        "side": callback.side.value if callback.side else None,
        "cause": callback.cause or None,
        "sip_cause": callback.sip_cause or None,
        "courier": plan.courier or None,
        "parcel": plan.parcel or None,
        "created_at": _iso(callback.created_at),
        "changed_at": _iso(callback.changed_at),
        "ended_at": _iso(callback.ended_at) if callback.ended_at else None,
        "ring_seconds": callback.ring_seconds,
    }
    at = int(callback.changed_at.timestamp() * 1_000_000)
    return _event(f"{callback.id}/{version}", "callback.changed", callback.id, at, pbx, {"callback": data})


def _event(id_: str, type_: str, subject: str, at: int, pbx: str, data: dict[str, Any]) -> Event:
    document = {
        "specversion": "1.0",
        "id": id_,
        "type": type_,
        "source": f"/waybell/{pbx}",
        "subject": subject,
        "time": iso(at),
        "datacontenttype": "application/json",
        "data": shown(data),
    }
    # Half characters (lone surrogates), which a log may hold, are no UTF-8.
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()
    return Event(id_, type_, subject, at, text)


def shown(data: dict[str, Any]) -> dict[str, Any]:
    """``data`` as those may see it who are told: here is the place to mask numbers. They are whole so far."""
    return data


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
