"""What OpenAPI says of the journal is what it does."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from prometheus_client import CollectorRegistry
from schemathesis.checks import CheckFunction
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.loopback.search.cast import HOSTILE, call, index, keep
from tests.unit.web.conftest import authenticate, nothing_is_ready
from waybell.calls.search_port import Journal
from waybell.calls.values import Party
from waybell.store.migrate import migrate
from web_app.app import Api, build_app

FOLDER = tempfile.TemporaryDirectory(prefix="waybell-openapi-")
ENGINE = create_async_engine(f"sqlite+aiosqlite:///{FOLDER.name}/waybell.db", poolclass=NullPool)
APP = build_app(nothing_is_ready, CollectorRegistry(), "1.0", Api(None, authenticate, journal=Journal(ENGINE)))
DESK = {"Authorization": "Bearer desk"}
# A schema cannot tell that a day is in no month, that words have letters, or which cursors there were.
OF_VALUES = ("is no time", "has to be before until", "words are allowed", "not one that the journal gave")

schema = schemathesis.openapi.from_asgi("/openapi.json", APP, config=SchemathesisConfig.from_dict({"seed": 7}))


@pytest.fixture(scope="module", autouse=True)
def journal() -> Iterator[None]:
    async def fill() -> None:
        Path(FOLDER.name, "waybell.db").touch()
        await migrate(ENGINE)
        await keep(ENGINE, [call(number, caller=Party("1", name)) for number, name in enumerate(HOSTILE)])
        await index(ENGINE)

    asyncio.run(fill())
    yield
    FOLDER.cleanup()


@schema.include(path_regex="calls|stats").parametrize()
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_meets_a_fault_or_an_answer_that_is_not_described(case: schemathesis.Case[Any]) -> None:
    response = case.call(headers=DESK)
    excluded: list[CheckFunction] = (
        [positive_data_acceptance] if any(text.encode() in response.content for text in OF_VALUES) else []
    )
    case.validate_response(response, headers=DESK, excluded_checks=excluded, transport_kwargs={"headers": DESK})


def operations() -> dict[str, Any]:
    document = APP.openapi()
    return {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}


def test_every_answer_and_every_error_has_examples_that_its_schema_allows() -> None:
    document = APP.openapi()
    for name in ("list_calls", "get_call"):
        operation = operations()[name]
        assert operation["security"] == [{"token": []}]
        assert operation["responses"].keys() >= {"200", "401", "403", "422", "429", "500", "503"}
        for response in operation["responses"].values():
            for content in response["content"].values():
                assert content["examples"]
                for example in content["examples"].values():
                    whole = content["schema"] | {"components": document["components"]}
                    jsonschema_rs.validate(whole, example["value"])


def test_every_filter_of_the_contract_is_described() -> None:
    names = {parameter["name"] for parameter in operations()["list_calls"]["parameters"]}
    assert names == {
        *("from", "until", "number", "direction", "status", "kind", "courier", "client", "parcel", "manager"),
        *("rating", "search", "order", "limit", "cursor", "format"),
    }
