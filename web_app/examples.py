"""What OpenAPI shows of each call: examples of bodies and answers, and every error there can be."""

from __future__ import annotations

import http
from typing import Any

from web_app import attempts_examples, calls_examples, feedback_examples, missed_examples
from web_app.problems import MEDIA_TYPE, TYPE_PREFIX, Problem

Responses = dict[int | str, dict[str, Any]]

CALLBACK_BODIES: dict[str, Any] = {
    "parcel": {"summary": "The recipient of a parcel", "value": {"courier": "11", "parcel": "10"}},
    "number": {"summary": "A number", "value": {"courier": "11", "to": "+7 916 123-45-67"}},
}
CLICK_BODIES: dict[str, Any] = {"click": {"value": {"extension": "200", "to": "8 (916) 123-45-67"}}}
TEST_BODIES: dict[str, Any] = {"test": {"value": {"from": "200", "to": "201"}}}

_NEW: dict[str, Any] = {
    "id": "4f1c2a9e0b7d4c58",
    "status": "requested",
    "reason": None,
    "side": None,
    "cause": None,
    "sip_cause": None,
    "courier": "11",
    "parcel": "10",
    "created_at": "2026-11-21T23:36:44.854863Z",
    "changed_at": "2026-11-21T23:36:44.854863Z",
    "ended_at": None,
    "ring_seconds": 0.0,
}
_BUSY = _NEW | {
    "status": "failed",
    "reason": "busy",
    "side": "recipient",
    "cause": 17,
    "sip_cause": 486,
    "changed_at": "2026-11-21T23:37:01.120004Z",
    "ended_at": "2026-11-21T23:37:01.120004Z",
    "ring_seconds": 4.2,
}

COMMON = (
    *("unauthorized", "missing-scope", "forbidden-network", "too-many-guesses", "body-too-large", "internal-error"),
    "store-unavailable",
)
OF_A_BODY = ("unreadable-body", "request-timeout", "wrong-content-type", "invalid-request")
OF_A_CALL = (
    *("key-reused", "invalid-number", "foreign-number", "premium-number", "emergency-number", "outside-hours"),
    *("same-number", "destination-per-day", "company-at-once", "company-minutes-per-day"),
    *("no-line", "lines-busy", "pbx-unavailable", "pbx-refused"),
)
OF_A_CALLBACK = (
    *("idempotency-key-missing", "foreign-courier", "foreign-parcel", "not-your-customer", "unknown-courier"),
    *("no-number", "no-recipient-number", "courier-at-once", "courier-per-hour", "crm-unavailable"),
)
OF_EXTENSIONS = ("invalid-extension",)

_PROBLEMS: dict[str, tuple[int, str]] = {
    "unreadable-body": (400, "The body cannot be read"),
    "idempotency-key-missing": (400, "The Idempotency-Key is missing"),
    "unauthorized": (401, "A valid token is needed"),
    "missing-scope": (403, "The token's scope does not allow it"),
    "forbidden-network": (403, "Not from this network"),
    "foreign-courier": (403, "Not this courier's token"),
    "foreign-parcel": (403, "Not your parcel"),
    "not-your-customer": (403, "Not your customer"),
    "foreign-number": (403, "Number abroad"),
    "premium-number": (403, "Premium-rate number"),
    "emergency-number": (403, "Emergency number"),
    "outside-hours": (403, "Outside the hours for calls"),
    "no-line": (403, "No line to this number"),
    "unknown-courier": (404, "Unknown courier"),
    "unknown-callback": (404, "There is no such call"),
    "unknown-call": (404, "There is no such call"),
    "unknown-parcel": (404, "Nothing is known of this parcel"),
    "not-recorded": (404, "The call was not recorded"),
    "recording-missing": (404, "The recording is gone"),
    "request-timeout": (408, "The body came too slowly"),
    "no-number": (409, "The courier has no number"),
    "no-recipient-number": (409, "The recipient has no number"),
    "same-number": (409, "Both phones are the same"),
    "body-too-large": (413, "The body is too large"),
    "wrong-content-type": (415, "The body is not JSON"),
    "range-not-satisfiable": (416, "No such part"),
    "invalid-request": (422, "The request is not valid"),
    "invalid-number": (422, "Not a telephone number"),
    "invalid-extension": (422, "Not an extension"),
    "key-reused": (422, "Key used for something else"),
    "too-many-guesses": (429, "Too many wrong tokens"),
    "courier-at-once": (429, "Too many calls"),
    "courier-per-hour": (429, "Too many calls"),
    "destination-per-day": (429, "Too many calls"),
    "company-at-once": (429, "Too many calls"),
    "company-minutes-per-day": (429, "Too many minutes"),
    "lines-busy": (429, "All lines busy"),
    "exports-at-once": (429, "Too many exports"),
    "internal-error": (500, "Waybell met an error"),
    "crm-unavailable": (503, "CRM unavailable"),
    "store-unavailable": (503, "Store unavailable"),
    "search-too-slow": (503, "The search takes too long"),
    "no-font": (503, "No font for PDF"),
    "printing-failed": (503, "No PDF came out"),
    "pbx-unavailable": (503, "Telephone system unavailable"),
    "pbx-refused": (503, "Asterisk refused the call"),
    "too-many-streams": (503, "Too many streams"),
    "recordings-unavailable": (503, "Recordings unavailable"),
    "too-many-listeners": (503, "Too many listeners"),
    "recordings-slow": (504, "No answer in time"),
}
_HEADERS: dict[int, dict[str, Any]] = {
    # Rules that refuse by the hour say when they will no longer.
    403: {"Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}},
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}},
    503: {"Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}},
}


def accepted() -> Responses:
    """The answer to a call that was asked for."""
    location = {"description": "Where it is followed", "required": True, "schema": {"type": "string"}}
    return {202: {"description": "The call is placed", "headers": {"Location": location}}}


def found() -> Responses:
    """The answer to the question how far a call has come."""
    return {200: {"description": "How far it has come"}}


def problems(*types: str) -> Responses:
    """The errors of these types, grouped by status."""
    responses: Responses = {}
    for type_ in types:
        status, title = _PROBLEMS[type_]
        response = responses.setdefault(status, _response(status))
        document = {"type": TYPE_PREFIX + type_, "title": title, "status": status}
        document |= {"detail": title + ".", "instance": "/api/v1/callbacks"}
        response["content"][MEDIA_TYPE]["examples"][type_] = {"value": document}
    return responses


def complete(document: dict[str, Any]) -> None:
    """Adds what FastAPI leaves out: a schema that only errors refer to, and examples in which something is null."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    if "Problem" in schemas:
        return
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs"))
    schemas["Problem"] = schema
    for path in document["paths"].values():
        for operation in path.values():
            _add_answers(operation["responses"])


def _add_answers(responses: dict[str, dict[str, Any]]) -> None:
    examples = {"202": {"new": {"value": _NEW}}, "200": {"new": {"value": _NEW}, "busy": {"value": _BUSY}}}
    for status, shown in examples.items():
        content = responses.get(status, {}).get("content", {}).get("application/json", {})
        schema = content.get("schema", {}).get("$ref")
        if schema == "#/components/schemas/CallbackDocument":
            content["examples"] = shown
        elif schema in calls_examples.ANSWERS:
            content["examples"] = {name: {"value": value} for name, value in calls_examples.ANSWERS[schema].items()}
        elif schema in feedback_examples.ANSWERS:
            content["examples"] = {name: {"value": value} for name, value in feedback_examples.ANSWERS[schema].items()}
        elif schema in missed_examples.ANSWERS:
            content["examples"] = {name: {"value": value} for name, value in missed_examples.ANSWERS[schema].items()}
        elif schema in attempts_examples.ANSWERS:
            content["examples"] = {name: {"value": value} for name, value in attempts_examples.ANSWERS[schema].items()}


def _response(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}}
    response = {"description": http.HTTPStatus(status).phrase, "content": content}
    return response | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
