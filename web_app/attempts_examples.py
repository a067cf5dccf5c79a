"""What OpenAPI shows of attempts."""

from __future__ import annotations

from typing import Any, Final

_BORIS = {"number": "*******0011", "name": "Борис Курьер", "kind": "courier", "id": "11"}
_NO_ANSWER: dict[str, Any] = {
    "id": "pbx1-cb4f1c2a9e0b7d4c58",
    "at": "2026-11-21T10:12:44.854863Z",
    "by": _BORIS,
    "number": "*******4567",
    "rang_seconds": 24.98,
    "talk_seconds": 0.0,
    "cause": 19,
    "cause_text": "Q.850 19 no answer from user",
    "sip_status": None,
    "sip_text": None,
    "why": "no_answer",
    "why_text": "nobody answered",
    "rule": None,
    "verdict": "genuine attempt",
    "verdict_text": "genuine attempt",
    "source": "journal",
}
_REACHED = _NO_ANSWER | {
    "id": "pbx1-cb9e0b7d4c584f1c2a",
    "at": "2026-11-21T11:40:02.120004Z",
    "rang_seconds": 4.2,
    "talk_seconds": 31.5,
    "cause": 16,
    "cause_text": "Q.850 16 normal call clearing",
    "why": "talked",
    "why_text": "the recipient answered",
    "verdict": "reached",
    "verdict_text": "reached",
}
_CALLED = {
    "id": "pbx1-1795304204.0",
    "at": "2026-11-21T10:30:00.000000Z",
    "number": "*******4567",
    "answered": False,
    "by": None,
    "talk_seconds": 0.0,
}
_SHEET: dict[str, Any] = {
    "parcel": "10",
    "attempts": [_NO_ANSWER, _REACHED],
    "contacts": [_CALLED],
    "counts": {"reached": 1, "genuine attempt": 1, "too short": 0, "unreachable": 0, "refused": 0},
    "genuine_seconds": 15.0,
    "complete": True,
    "made_at": "2026-11-21T23:36:44.854863Z",
    "checksum": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}

ANSWERS: Final = {"#/components/schemas/AttemptsDocument": {"sheet": _SHEET}}
"""Schema of an answer → its examples."""


def shown() -> dict[int | str, dict[str, Any]]:
    """The answer to the question for attempts."""
    content: dict[str, Any] = {
        "text/html": {"schema": {"type": "string"}, "examples": {"page": {"value": "<!DOCTYPE html>…"}}},
        "application/pdf": {
            "schema": {"type": "string", "format": "binary"},
            "examples": {"file": {"value": "%PDF-1.3…"}},
        },
    }
    return {200: {"description": "The attempts: as data, as a page to print, as a PDF", "content": content}}
