"""The dialplan by itself: what it asks, what it does with answers, and what it does without any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from lab.asterisk import Asterisk
from lab.phone import Answer, Phone
from lab.stack import point_at
from lab.watch import until_file
from lab.waybell_process import free_port
from tests.pbx.conftest import Phones
from tests.pbx.faults.scripted_agi import scripted_agi
from waybell.people.demo import COMPANY_NUMBER

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

CALLER = "79161000001"
OFFICE = "500"
CUSTOM = """
[waybell-outgoing]
exten => 777,1,Dial(PJSIP/202)
exten => _CB.,1,Goto(waybell-callback,${EXTEN:2},1)
"""
# Which servers are asked is to be seen in the event log, whoever else listens where on this machine.
LOG_THE_ASKING = "[general]\nenable = yes\nevents = ALL\napps = agi\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(rootfs: Path) -> AsyncIterator[Asterisk]:
    files = {"waybell_custom.conf": CUSTOM, "cel.conf": LOG_THE_ASKING}
    async with Asterisk(rootfs, extra_files=files) as pbx:
        yield pbx
        await pbx.kill9()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def around(running: Asterisk) -> AsyncIterator[Phones]:
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(Phone(running.trunk_address, running.sip_address))
        yield Phones(provider, await stack.enter_async_context(Phone(running.phones_address, running.sip_address)))


@pytest_asyncio.fixture(loop_scope="module")
async def pbx(running: Asterisk, around: Phones) -> Asterisk:
    """No Waybell answers, the office is extension 201, and whoever is rung answers."""
    for phone in (around.provider, around.office):
        phone.calls.clear()
        phone.default = Answer(talk=0.1)
    await point_at(running, free_port())
    await running.rx("dialplan set global WAYBELL_OFFICE_DIAL PJSIP/201")
    return running


def rung(around: Phones) -> list[str]:
    """Every INVITE that reached a phone, by the number rung."""
    return [call.user for call in (*around.provider.calls, *around.office.calls)]


async def outside_call(around: Phones, did: str = COMPANY_NUMBER) -> int:
    """A whole call from outside; how it ended."""
    return (await (await around.provider.call(did, CALLER)).ended()).status


async def refused(around: Phones, number: str) -> bool:
    """Whether a phone's call is refused, and by the dialplan: Hangup's cause is told."""
    ended = await (await around.office.call(number, "100")).ended()
    return (ended.status, ended.reason_header) == (403, b"Q.850;cause=21")


@pytest.mark.usefixtures("pbx")
async def test_without_an_answer_the_office_of_the_settings_rings(around: Phones) -> None:
    assert await outside_call(around) == 200
    assert rung(around) == ["201"]


async def test_with_no_office_set_extension_500_rings(pbx: Asterisk, around: Phones) -> None:
    await pbx.rx('dialplan set global WAYBELL_OFFICE_DIAL ""')
    assert "WAYBELL_OFFICE_DIAL=PJSIP" not in await pbx.rx("dialplan show globals")
    assert await outside_call(around) == 200
    assert rung(around) == [OFFICE]


async def test_with_no_server_set_the_usual_place_is_asked(pbx: Asterisk, around: Phones) -> None:
    await pbx.rx('dialplan set global WAYBELL_AGI ""')
    assert "WAYBELL_AGI=agi" not in await pbx.rx("dialplan show globals")
    did = "74950004573"
    await outside_call(around, did)
    await until_file(pbx.cel_path, lambda log: f'"AGI","agi://127.0.0.1:4573/step,,,{did}"' in log)


@pytest.mark.parametrize(
    ("dialled", "told"),
    [("74951234567", "74951234567"), ("+74951234567", "74951234567"), ("100", "100"), ("7495*123", "")],
)
async def test_the_number_dialled_is_told_as_digits_or_not_at_all(
    pbx: Asterisk, around: Phones, dialled: str, told: str
) -> None:
    async with scripted_agi("dial,PJSIP/202,5,,") as script:
        await point_at(pbx, script.port)
        assert await outside_call(around, dialled) == 200
    assert script.asked == [("", "", told)]
    assert rung(around) == ["202"]


async def test_a_verb_that_the_dialplan_does_not_know_leads_to_the_office(pbx: Asterisk, around: Phones) -> None:
    async with scripted_agi("dance,PJSIP/202,5,,") as script:
        await point_at(pbx, script.port)
        assert await outside_call(around) == 200
    assert rung(around) == ["201"]
    # It was the verb, not the answer: what was answered was noted.
    await until_file(pbx.cel_path, lambda log: "step=asked;verb=dance" in log)


@pytest.mark.usefixtures("pbx")
async def test_the_admins_own_additions_are_part_of_the_dialplan(around: Phones) -> None:
    assert (await (await around.office.call("777", "100")).ended()).status == 200
    assert rung(around) == ["202"]


@pytest.mark.parametrize("number", ["88091234567", "+79161000001", "112", "*72", "#1", "100"])
@pytest.mark.usefixtures("pbx")
async def test_a_phones_call_is_refused_until_something_allows_it(around: Phones, number: str) -> None:
    assert await refused(around, number)
    assert rung(around) == []


@pytest.mark.usefixtures("pbx")
async def test_nobody_gets_into_a_callback_whose_channel_waybell_did_not_make(around: Phones) -> None:
    assert await refused(around, "CBcb1f0c")
    assert await refused(around, "CBcba1f0c")
    assert rung(around) == []
