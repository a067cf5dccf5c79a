"""``waybell call --test``: two phones are joined, or it says in plain words what failed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from lab.callbacks import FINAL, CallingStack, calling_stack
from lab.phone import BUSY, Answer
from lab.waybell_process import Waybell, free_port

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

BORIS, ANNA = "79010000011", "79161000001"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CallingStack]:
    async with calling_stack(tmp_path_factory.mktemp("trial")) as all_:
        yield all_


async def test_it_joins_two_phones_and_tells_each_step(company: CallingStack) -> None:
    company.stack.provider.behaviours = {BORIS: Answer(), ANNA: Answer(after=0.3, talk=0.5)}
    code, out, errors = await company.stack.waybell.command("call", "--test", BORIS, ANNA)
    assert (code, errors) == (0, "")
    assert out.splitlines() == [
        "Asterisk answers",
        f"ringing {BORIS}",
        f"{BORIS} answered",
        f"ringing {ANNA}",
        f"{ANNA} answered: the two are joined",
        "done: they have talked",
    ]


async def test_a_busy_phone_is_named_with_its_sip_status(company: CallingStack) -> None:
    company.stack.provider.behaviours = {BORIS: Answer(), ANNA: BUSY}
    code, out, _ = await company.stack.waybell.command("call", "--test", BORIS, ANNA, "--json")
    document = json.loads(out)
    assert (code, document["ok"], document["reason"]) == (1, False, "busy")
    assert document["steps"][-1] == f"failed: {ANNA} is busy (SIP 486, cause 17)"


async def test_an_extension_that_asterisk_does_not_know_is_named(company: CallingStack) -> None:
    code, out, _ = await company.stack.waybell.command("call", "--test", "777", ANNA)
    assert code == 1
    assert "777" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("ari", "said"), [({"password": "wrong-password"}, "ari.password"), ({"url": "http://127.0.0.1:1"}, "ari.url")]
)
async def test_what_is_wrong_with_ari_is_said_with_its_setting(
    company: CallingStack, tmp_path: Path, ari: dict[str, str], said: str
) -> None:
    settings = {
        "store": {"url": f"sqlite+aiosqlite:///{tmp_path}/waybell.db"},
        "crm": {"url": f"sqlite+aiosqlite:///{company.stack.waybell.directory}/crm.db"},
        "ari": {"url": company.stack.pbx.ari_url, "password": company.stack.pbx.settings.ari_password, **ari},
    }
    code, out, _ = await Waybell(tmp_path, settings).command("call", "--test", BORIS, ANNA)
    assert code == 1
    assert said in out
    assert "wrong-password" not in out


async def test_without_saying_that_it_is_meant_nobody_is_rung(company: CallingStack) -> None:
    company.stack.provider.calls.clear()
    code, _, errors = await company.stack.waybell.command("call", BORIS, ANNA)
    assert code == 2
    assert "--test" in errors
    assert company.stack.provider.calls == []


async def test_an_admin_does_the_same_over_the_api(company: CallingStack) -> None:
    company.stack.provider.behaviours = {BORIS: Answer(), ANNA: Answer(talk=0.3)}
    answer = await company.admin.http.post(
        "/calls/test", json={"from": BORIS, "to": ANNA}, headers={"Idempotency-Key": str(free_port())}
    )
    assert answer.status_code == 202, answer.text
    assert (await company.admin.until(answer.json()["id"], *FINAL))["status"] == "done"
    refused = await company.app.http.post("/calls/test", json={"from": BORIS, "to": ANNA})
    assert refused.status_code == 403
