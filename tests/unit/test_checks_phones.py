"""Whom a call can ring, on PBXs that the laboratory has none of: what Asterisk says there stands in a table."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
import pytest

from waybell.checks import phones
from waybell.checks.findings import Finding, Site, Status
from waybell.checks.pbx import Answer, Pbx
from waybell.settings import Settings

NOT_FOUND = Answer(404, {"message": "Endpoint not found"})
NO_OBJECT = Answer(404, {"message": "Object with id 'x' not found"})
THERE = Answer(200, {"state": "online"})
RIGHT_TRUNK = {
    "context": "waybell-incoming",
    "send_connected_line": "no",
    "trust_connected_line": "no",
    "allow_transfer": "false",
}


class Told(Pbx):
    """Answers by path; what is in no table is not there. ``dialplan`` holds extension@context."""

    def __init__(self, answers: Mapping[str, Answer], dialplan: tuple[str, ...] = ()) -> None:
        super().__init__(httpx2.AsyncClient(), Settings().ari)
        self.answers, self.dialplan = answers, dialplan

    async def get(self, path: str, **parameters: str) -> Answer:
        return self.answers.get(path, NOT_FOUND if path.startswith("endpoints/") else NO_OBJECT)

    async def variable(self, name: str) -> str:
        assert name == "WAYBELL_OFFICE_DIAL"
        return self.answers.get(name, Answer(200, {"value": "PJSIP/500"})).text("value")

    async def extension_exists(self, extension: str, context: str) -> bool:
        return f"{extension}@{context}" in self.dialplan


def settings_of(values: Mapping[str, str]) -> Answer:
    return Answer(200, [{"attribute": key, "value": value} for key, value in values.items()])


def a_pbx(more: Mapping[str, Answer], *dialplan: str) -> Told:
    """With the extension 500 and a trunk whose settings are right, but for ``more``."""
    usual = {
        "endpoints/PJSIP/500": THERE,
        "endpoints/PJSIP/trunk": THERE,
        "asterisk/config/dynamic/res_pjsip/endpoint/trunk": settings_of(RIGHT_TRUNK),
    }
    return Told(usual | dict(more), dialplan)


async def look(pbx: Pbx, **calls: str) -> list[Finding]:
    return await phones.check_phones(Site(Settings.model_validate({"calls": calls})), pbx)


def statuses(found: list[Finding]) -> list[Status]:
    return [finding.status for finding in found]


@pytest.mark.parametrize(
    ("dial", "found"),
    [
        ("PJSIP/500", ("PJSIP", "500")),
        ("pjsip/{number}@trunk", ("PJSIP", "trunk")),
        ("PJSIP/trunk/sip:{number}@provider.example:5060", ("PJSIP", "trunk")),
        ("Local/{extension}@from-internal/n", ("LOCAL", "{extension}@from-internal")),
        ("IAX2/user:word@peer/100", ("IAX2", "peer")),
        ("DAHDI/g1/{number}", ("DAHDI", "g1")),
        ("500", ("500", "")),
    ],
)
def test_what_of_a_dial_string_names_the_endpoint(dial: str, found: tuple[str, str]) -> None:
    assert phones.endpoint(dial) == found


async def test_a_pbx_as_it_should_be() -> None:
    assert statuses(await look(a_pbx({}))) == [Status.OK, Status.OK]


async def test_an_endpoint_of_a_realtime_database_is_there_before_its_first_use() -> None:
    table = {
        "endpoints/PJSIP/500": NOT_FOUND,
        "asterisk/config/dynamic/res_pjsip/endpoint/500": settings_of({"context": "phones"}),
    }
    assert statuses(await look(a_pbx(table))) == [Status.OK, Status.OK]


async def test_a_trunk_whose_settings_are_not_told_is_skipped_with_what_to_see_to() -> None:
    found = await look(a_pbx({"asterisk/config/dynamic/res_pjsip/endpoint/trunk": NO_OBJECT}))
    assert statuses(found) == [Status.OK, Status.OK, Status.SKIPPED]
    for line in ("context = waybell-incoming", *(f"{key} = no" for key in list(RIGHT_TRUNK)[1:])):
        assert line in found[-1].message


@pytest.mark.parametrize("body", ["text", [1, None], {"attribute": "context"}, None])
async def test_nonsense_in_place_of_the_trunks_settings_is_no_traceback(body: object) -> None:
    found = await look(a_pbx({"asterisk/config/dynamic/res_pjsip/endpoint/trunk": Answer(200, body)}))
    assert statuses(found)[:2] == [Status.OK, Status.OK]


async def test_all_that_is_wrong_with_a_trunk_is_told_at_once() -> None:
    wrong = dict.fromkeys(RIGHT_TRUNK, "yes") | {"context": "from-pstn"}
    found = await look(a_pbx({"asterisk/config/dynamic/res_pjsip/endpoint/trunk": settings_of(wrong)}))
    assert statuses(found) == [Status.OK, Status.OK, Status.WARNING, Status.WARNING]
    assert "send_connected_line = no, trust_connected_line = no, allow_transfer = no" in found[-1].advice


async def test_an_office_behind_a_dialplan_of_ones_own_is_looked_for_there() -> None:
    table = {"WAYBELL_OFFICE_DIAL": Answer(200, {"value": "Local/600@from-internal"})}
    template = "Local/{extension}@from-internal"
    there = await look(a_pbx(table, "600@from-internal"), office="600", extension_dial=template)
    assert statuses(there) == [Status.OK, Status.OK]
    missing = await look(a_pbx(table), office="600", extension_dial=template)
    assert "Asterisk has no Local endpoint 600@from-internal" in missing[0].message


@pytest.mark.parametrize("template", ["DAHDI/g1/{number}", "Local/{number}@from-internal"])
async def test_a_trunk_that_asterisk_does_not_tell_of_is_skipped(template: str) -> None:
    assert statuses(await look(a_pbx({}), phone_dial=template)) == [Status.OK, Status.SKIPPED]


async def test_a_template_without_a_trunk_says_what_to_write() -> None:
    [_, found] = await look(a_pbx({}), phone_dial="PJSIP/{number}")
    assert found.status is Status.FAILED
    assert "it names no trunk" in found.message
    assert "PJSIP/{number}@mytrunk" in found.advice


async def test_a_dial_string_for_chan_sip_is_told_that_it_is_gone() -> None:
    [_, found] = await look(a_pbx({}), phone_dial="SIP/{number}@trunk")
    assert "Asterisk 22 has no chan_sip any more: write PJSIP" in found.message


async def test_every_office_is_looked_for_in_any_order() -> None:
    table = {
        "endpoints/PJSIP/100": THERE,
        "WAYBELL_OFFICE_DIAL": Answer(200, {"value": "PJSIP/100&PJSIP/500"}),
    }
    assert statuses(await look(a_pbx(table), office="500,100")) == [Status.OK, Status.OK, Status.OK]
