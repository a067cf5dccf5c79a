"""The OpenAPI document tells all there is, of the whole product too: a real Asterisk rings, a real store remembers."""

from __future__ import annotations

import asyncio
import re
import sys
import uuid
from collections import Counter
from pathlib import Path

import pytest

from lab.callbacks import FINAL, CallingStack, Client, calling_stack, client
from lab.phone import BUSY
from lab.waybell_process import Section

pytestmark = [pytest.mark.pbx, pytest.mark.timeout(300)]

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
# What is looked for lies behind the limits.
LIMITS = ("courier_per_hour", "courier_per_day", "destination_per_day", "company_per_second", "company_minutes_per_day")
NO_LIMITS: dict[str, Section] = {"callbacks": dict.fromkeys(LIMITS, 1_000_000)}
# Asking again for calls that there are is left to the stateful phase. 503 is described, where a part is away; a schema
# cannot tell a number that is none, or a key that was used before; a call that was cancelled is still known, and one
# that was just placed is in the journal a little later. Wrong tokens would be tried until whoever is here has to wait.
SETTINGS = """
[generation]
max-examples = 100
[phases.fuzzing]
extra-data-sources.responses = false
[phases.stateful]
generation.max-examples = 30
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422, 429, 503]
use_after_free.enabled = false
ensure_resource_availability.enabled = false
ignored_auth.enabled = false
"""


async def streams(company: CallingStack) -> list[str]:
    """The operations whose answers do not end."""
    document = (await company.admin.http.get(f"http://{company.stack.web_listen}/openapi.json")).json()
    return [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if "text/event-stream" in operation["responses"].get("200", {}).get("content", {})
    ]


async def try_everything(company: CallingStack, who: Client, folder: Path, seed: int) -> Counter[int]:
    """Has Schemathesis ask for all that the document describes, with ``who``'s token; how often each status came.

    Fails with what Schemathesis says when an answer is none of those described, or a fault.
    """
    folder.mkdir()
    (folder / "schemathesis.toml").write_text(SETTINGS)
    process = await asyncio.create_subprocess_exec(
        SCHEMATHESIS,
        *("--config-file", folder / "schemathesis.toml", "run", f"http://{company.stack.web_listen}/openapi.json"),
        *("--seed", str(seed)),
        *("--header", f"Authorization:{who.http.headers['Authorization']}"),
        *("--report", "ndjson", "--report-ndjson-path", folder / "answers.ndjson"),
        *(word for name in await streams(company) for word in ("--exclude-operation-id", name)),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    told = (folder / "answers.ndjson").read_text()
    return Counter(int(status) for status in re.findall(r'"status_code":(\d+)', told))


async def test_whoever_asks_for_whatever_meets_no_fault_and_no_answer_that_is_not_described(tmp_path: Path) -> None:
    async with (
        calling_stack(tmp_path, changes=NO_LIMITS) as company,
        client(company.stack, "courier", "--courier", "11") as boris,
    ):
        provider, office = company.stack.provider, company.stack.office
        provider.default = office.default = BUSY
        answers: Counter[int] = Counter()
        for seed, who in enumerate((company.admin, company.desk, boris)):
            answers += await try_everything(company, who, tmp_path / str(seed), seed)
        print(f"answers: {dict(answers)}; calls: {len(provider.calls)} outside, {len(office.calls)} inside")
        assert answers.total() > 1000
        assert min(answers[status] for status in (200, 202, 400, 401, 403, 404, 415, 422)) > 5
        assert min(len(provider.calls), len(office.calls)) > 2
        before = len(provider.calls)
        callback = await boris.placed(str(uuid.uuid4()), courier="11", parcel="10")
        failed = await boris.until(callback, *FINAL)
        assert (failed["reason"], failed["sip_cause"], len(provider.calls)) == ("busy", 486, before + 1)
        assert (await company.admin.http.get(f"http://{company.stack.web_listen}/health/ready")).status_code == 200
        assert "Traceback" not in company.stack.waybell.log_path.read_text()
