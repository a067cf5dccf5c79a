"""What OpenAPI shows of the journal."""

from __future__ import annotations

from typing import Any, Final

CALL: Final[dict[str, Any]] = {
    "id": "pbx1-1795304204.0",
    "direction": "inbound",
    "status": "answered",
    "started_at": "2026-11-21T23:36:44.854863Z",
    "answered_at": "2026-11-21T23:36:50.854863Z",
    "ended_at": "2026-11-21T23:36:52.854863Z",
    "caller": {"number": "79161234567", "name": "Анна Петрова", "kind": "recipient", "id": "10"},
    "dialed": "74951234567",
    "answered_by": {"number": "79010000011", "name": "Борис", "kind": "courier", "id": "11"},
    "parcel": "10",
    "courier": "11",
    "client": "11",
    "manager": None,
    "wait_seconds": 6.0,
    "ring_seconds": 4.0,
    "talk_seconds": 2.0,
    "legs": [
        {
            "number": "79010000011",
            "channel": "PJSIP/trunk-0000001b",
            "started_at": "2026-11-21T23:36:46.854863Z",
            "answered_at": "2026-11-21T23:36:50.854863Z",
            "ended_at": "2026-11-21T23:36:52.854863Z",
            "hangup_cause": 16,
            "hung_up": False,
        }
    ],
    "route": [
        {
            "at": "2026-11-21T23:36:45.854863Z",
            "step": "find",
            "verb": "dial",
            "why": "parcel 10 is with courier 11",
            "result": "ANSWER",
            "source": "crm",
        }
    ],
    "recordings": [],
    "feedback": None,
}
_PAGE = {
    "calls": [CALL],
    "cursor": "NWE3ZjAwMTI6MTc5NTMwNDIwNDg1NDg2MzpwYngxLTE3OTUzMDQyMDQuMA",
    "count": {"calls": 1000, "exact": False},
}
_CSV = "id,direction,status,…\r\npbx1-1795304204.0,inbound,answered,…\r\n"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_FIGURES = {
    "calls": 10,
    "in_progress": 0,
    "answered": 7,
    "missed": 2,
    "busy": 1,
    "failed": 0,
    "rejected": 0,
    "interrupted": 0,
    "wait_seconds": {"median": 6.2, "p95": 21.5},
    "talk_seconds": {"median": 31.0, "p95": 184.25},
}
_STATS = {
    "from": "2026-11-20T21:00:00.000000Z",
    "until": "2026-11-21T21:00:00.000000Z",
    "tz": "Europe/Moscow",
    "by": "courier",
    "total": _FIGURES,
    "groups": [{"key": "11", **_FIGURES}],
}

ANSWERS: Final = {
    "#/components/schemas/CallsDocument": {"page": _PAGE},
    "#/components/schemas/CallDocument": {"call": CALL},
    "#/components/schemas/StatsDocument": {"by courier": _STATS},
}
"""Schema of an answer → its examples."""


def listed() -> dict[int | str, dict[str, Any]]:
    """The answer to the question for calls."""
    content: dict[str, Any] = {
        "text/csv": {"schema": {"type": "string"}, "examples": {"calls": {"value": _CSV}}},
        _XLSX: {"schema": {"type": "string", "format": "binary"}, "examples": {"calls": {"value": "a workbook"}}},
    }
    return {200: {"description": "A page of calls, or all of them as a spreadsheet", "content": content}}


def one() -> dict[int | str, dict[str, Any]]:
    """The answer to the question for one."""
    return {200: {"description": "The call"}}


def figures() -> dict[int | str, dict[str, Any]]:
    """The answer to the question for figures."""
    return {200: {"description": "The figures"}}
