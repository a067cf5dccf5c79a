"""What OpenAPI says of recordings and ratings is what they do."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CheckFunction
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.loopback.feedback.test_feedback_api import app_of
from tests.loopback.feedback.test_feedback_store import keep, some
from tests.loopback.recordings.conftest import ID, fill
from tests.loopback.search.cast import call
from waybell.calls.values import Recording
from waybell.store.migrate import migrate

FOLDER = tempfile.TemporaryDirectory(prefix="waybell-openapi-")
ENGINE = create_async_engine(f"sqlite+aiosqlite:///{FOLDER.name}/waybell.db", poolclass=NullPool)
APP = app_of(ENGINE, Path(FOLDER.name))
DESK = {"Authorization": "Bearer desk"}
# A schema cannot tell that a day is in no month, or which cursors there were.
OF_VALUES = ("is no time", "no cursor of ours")

schema = schemathesis.openapi.from_asgi("/openapi.json", APP, config=SchemathesisConfig.from_dict({"seed": 7}))


@pytest.fixture(scope="module", autouse=True)
def company() -> Iterator[None]:
    async def make() -> None:
        Path(FOLDER.name, "waybell.db").touch()
        await migrate(ENGINE)
        taped = replace(call(9), id="0", recordings=(Recording(ID, 1_000_000),))
        await keep(ENGINE, *some(), taped)

    fill(Path(FOLDER.name))
    asyncio.run(make())
    yield
    FOLDER.cleanup()


@schema.include(path_regex="feedback|recording").parametrize()
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_meets_a_fault_or_an_answer_that_is_not_described(case: schemathesis.Case[Any]) -> None:
    response = case.call(headers=DESK)
    excluded: list[CheckFunction] = (
        [positive_data_acceptance] if any(text.encode() in response.content for text in OF_VALUES) else []
    )
    case.validate_response(response, headers=DESK, excluded_checks=excluded, transport_kwargs={"headers": DESK})


def test_every_answer_and_every_error_has_examples_that_its_schema_allows() -> None:
    document = APP.openapi()
    found = {one["operationId"]: one for path in document["paths"].values() for one in path.values()}
    for name in ("list_feedback", "feedback_averages", "get_recording"):
        assert found[name]["security"] == [{"token": []}]
        for status, response in found[name]["responses"].items():
            for media, content in response["content"].items():
                assert media == "audio/wav" or content["examples"], (name, status)
                for example in content.get("examples", {}).values():
                    whole = content["schema"] | {"components": document["components"]}
                    jsonschema_rs.validate(whole, example["value"])
