"""The OpenAPI document tells all there is, and the application does nothing else."""

from __future__ import annotations

import zlib
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CheckFunction
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import positive_data_acceptance, use_after_free

from tests.fakes.callbacks import FakeCallbacks
from tests.unit.web.conftest import app_of
from waybell.callbacks.values import RefusedError, Wish

REFUSALS = (
    RefusedError("same-number", 409, "Both phones are the same", "Give another."),
    RefusedError("outside-hours", 403, "Outside the hours for calls", "Wait until 8:00.", 3600),
    RefusedError("lines-busy", 429, "All lines busy", "Try again.", 42),
)


def now_and_then(wish: Wish) -> RefusedError | None:
    """A refusal for about half of all wishes, the same one for the same wish."""
    number = zlib.crc32(repr(wish).encode("utf-8", "replace")) % (2 * len(REFUSALS))
    return REFUSALS[number] if number < len(REFUSALS) else None


schema = schemathesis.openapi.from_asgi(
    "/openapi.json",
    app_of(FakeCallbacks(now_and_then)),
    config=SchemathesisConfig.from_dict({"seed": 7}),
)


ADMIN = {"Authorization": "Bearer root"}
CHECKS = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@schema.parametrize()
@CHECKS
def test_no_request_meets_a_fault_or_an_answer_that_is_not_described(case: schemathesis.Case[Any]) -> None:
    response = case.call(headers=ADMIN)
    # A schema cannot tell that a key was used before.
    valid_yet_refused: list[CheckFunction] = [positive_data_acceptance] if "key-reused" in response.text else []
    case.validate_response(
        response, headers=ADMIN, excluded_checks=valid_yet_refused, transport_kwargs={"headers": ADMIN}
    )


class Followed(schema.as_state_machine()):  # type: ignore[misc] # made while this runs
    """Calls are placed, followed and cancelled, in any order."""

    def get_call_kwargs(self, case: schemathesis.Case[Any]) -> dict[str, Any]:
        return {"headers": ADMIN}

    def validate_response(
        self, response: Response, case: schemathesis.Case[Any], additional_checks: Any = None, **kwargs: Any
    ) -> None:
        # A call that was cancelled is still known, and a schema cannot tell that a key was used before.
        excluded = [use_after_free, positive_data_acceptance]
        case.validate_response(response, headers=ADMIN, excluded_checks=excluded, transport_kwargs=kwargs)


def test_no_sequence_of_requests_does_either() -> None:
    Followed.run(settings=settings(CHECKS, max_examples=20, stateful_step_count=8))


def operations() -> dict[str, Any]:
    """All that the document describes, by operationId."""
    document = app_of(FakeCallbacks()).openapi()
    return {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}


def test_every_operation_has_a_name_of_its_own_and_every_call_needs_a_token() -> None:
    found = operations()
    calls = {"place_callback", "get_callback", "cancel_callback", "place_call", "place_test_call"}
    assert found.keys() == calls | {"root", "live", "is_ready", "metrics"}
    assert {name for name, operation in found.items() if operation.get("security") == [{"token": []}]} == calls
    assert all(operation["tags"] for operation in found.values())


@pytest.mark.parametrize("name", ["place_callback", "place_call", "place_test_call"])
def test_every_body_and_every_answer_to_it_has_examples(name: str) -> None:
    operation = operations()[name]
    assert operation["requestBody"]["content"]["application/json"]["examples"]
    statuses = {"202", "400", "401", "403", "408", "409", "413", "415", "422", "429", "500", "503"}
    assert operation["responses"].keys() == statuses | ({"404"} if name == "place_callback" else set())
    for response in operation["responses"].values():
        for content in response["content"].values():
            assert content["examples"]


def test_every_error_is_a_problem_document() -> None:
    for operation in operations().values():
        for status, response in operation["responses"].items():
            if status >= "400" and operation["operationId"] != "is_ready":
                assert response["content"].keys() == {"application/problem+json"}


def test_every_example_is_what_its_schema_says() -> None:
    document = app_of(FakeCallbacks()).openapi()
    for operation in operations().values():
        for response in operation["responses"].values():
            for content in response["content"].values():
                for example in content.get("examples", {}).values():
                    jsonschema_rs.validate(content["schema"] | {"components": document["components"]}, example["value"])
