"""A call that Waybell places as a row of the table ``callbacks``, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from waybell.callbacks.values import Callback, Kind, Party, Plan, Reason, Side, Status

_PARTY = tuple(field.name for field in fields(Party))
_MOMENTS = ("first_answered_at", "second_rung_at", "second_answered_at", "ended_at")
_PLAIN = ("cause", "sip_cause", "first_line", "second_line", "tries", "cancel_asked")


def naive(moment: datetime) -> datetime:
    """As the store holds it: UTC without zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def to_row(callback: Callback) -> dict[str, Any]:
    """The columns that the call itself decides. ``used_seconds``: how long its first phone was held."""
    plan = callback.plan
    row: dict[str, Any] = {name: getattr(callback, name) for name in _PLAIN}
    row |= {
        "id": callback.id,
        "kind": plan.kind.value,
        "courier": plan.courier,
        "parcel": plan.parcel,
        "client": plan.client,
        "status": callback.status.value,
        "reason": callback.reason.value if callback.reason else "",
        "side": callback.side.value if callback.side else "",
        "created_at": naive(callback.created_at),
        "changed_at": naive(callback.changed_at),
        "used_seconds": used_seconds(callback),
    }
    for side, party in (("first", plan.first), ("second", plan.second)):
        row |= {f"{side}_{name}": getattr(party, name) for name in _PARTY}
    for name in _MOMENTS:
        moment: datetime | None = getattr(callback, name)
        row[name] = naive(moment) if moment else None
    return row


def from_row(row: Mapping[str, Any]) -> Callback:
    """The call that :func:`to_row` made ``row`` of."""
    first, second = (Party(*(row[f"{side}_{name}"] for name in _PARTY)) for side in ("first", "second"))
    return Callback(
        id=row["id"],
        plan=Plan(Kind(row["kind"]), first, second, row["courier"], row["parcel"], row["client"]),
        status=Status(row["status"]),
        created_at=row["created_at"].replace(tzinfo=UTC),
        changed_at=row["changed_at"].replace(tzinfo=UTC),
        reason=Reason(row["reason"]) if row["reason"] else None,
        side=Side(row["side"]) if row["side"] else None,
        cause=row["cause"],
        sip_cause=row["sip_cause"],
        first_line=row["first_line"],
        second_line=row["second_line"],
        tries=row["tries"],
        cancel_asked=bool(row["cancel_asked"]),
        first_answered_at=_zoned(row["first_answered_at"]),
        second_rung_at=_zoned(row["second_rung_at"]),
        second_answered_at=_zoned(row["second_answered_at"]),
        ended_at=_zoned(row["ended_at"]),
    )


def _zoned(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def used_seconds(callback: Callback) -> int:
    """What counts against the company's minutes: from the first answer to the end."""
    began = callback.first_answered_at
    if began is None and callback.reason in (Reason.UNKNOWN, Reason.INTERRUPTED):
        began = callback.created_at  # nobody saw whether they talked
    if began is None or callback.ended_at is None:
        return 0
    return max(0, round((callback.ended_at - began).total_seconds()))
