"""What one AGI request means: who is asked for, what is carried on, what is told."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from agi_app.events import Environment
from agi_app.steps import Steps, UnknownRequestError
from tests.unit.routing.cast import DIALLING, RECIPIENT, in_hands
from waybell.callbacks.script import Script, Way, encode
from waybell.callbacks.values import Kind, Party, Plan
from waybell.people.values import Identity, Lookup, PersonKind, Source
from waybell.routing.dialling import Dialling
from waybell.routing.flow import default_flow
from waybell.routing.state import StateError


@dataclass
class Crm:
    """Everybody is behind every number."""

    people: tuple[Identity, ...] = (in_hands(),)
    asked: list[str] = field(default_factory=list)

    async def identify(self, number: str) -> Lookup:
        self.asked.append(number)
        return Lookup(self.people, Source.CRM)


async def ask(crm: Crm, caller: str, *arguments: str, path: str = "step") -> list[str]:
    """The eight parts of the answer."""
    steps = Steps(default_flow(), crm, DIALLING)
    command = await steps(Environment({"agi_callerid": caller}, arguments, path, ""))
    name, value = command.line.decode().rstrip("\n").removeprefix("SET VARIABLE ").split(" ", 1)
    assert name == '"WAYBELL_NEXT"'
    return value.strip('"').split(",")


async def test_a_first_step_asks_for_the_number_that_calls() -> None:
    crm = Crm()
    said = await ask(crm, "8 916 123-45-67", "", "", "74951234567")
    assert crm.asked == [RECIPIENT]
    assert said[1:3] == ["dial", "PJSIP/79010000011@trunk"]
    assert "dialed=74951234567" in said[6]


@pytest.mark.parametrize("caller", ["199", "112", "", "anonymous", "abc"])
async def test_from_outside_nobody_is_recognised_by_what_is_no_telephones_number(caller: str) -> None:
    crm = Crm((Identity(PersonKind.EMPLOYEE, "7", "Anna"),))
    said = await ask(crm, caller, "", "", "74951234567")
    assert crm.asked == []
    assert said[2] == "PJSIP/500"
    assert said[4] == ""


async def test_a_later_step_asks_nobody_and_does_not_mind_what_the_channel_shows_by_now() -> None:
    crm = Crm()
    state, *_ = await ask(crm, RECIPIENT, "", "", "74951234567")
    for shown in ("74951234567", "199", ""):
        said = await ask(crm, shown, state, "BUSY", "74951234567")
        assert said[2:5] == ["PJSIP/199&PJSIP/100", "25", RECIPIENT]
    assert crm.asked == [RECIPIENT]


async def test_a_state_of_somebody_elses_and_an_unknown_route_are_refused() -> None:
    with pytest.raises(StateError):
        await ask(Crm(), RECIPIENT, "courier.!", "BUSY", "")
    with pytest.raises(UnknownRequestError, match="only /step is served"):
        await ask(Crm(), RECIPIENT, path="shell")


async def test_another_line_is_dialled_only_if_there_is_room_on_it() -> None:
    asked: list[tuple[str, str]] = []
    full = {"two"}

    async def room(callback_id: str, line: str) -> bool:
        asked.append((callback_id, line))
        return line not in full

    ways = tuple(Way(f"PJSIP/79161000001@{name}", "74951234567", name) for name in ("one", "two", "three"))
    first, second = Party("79010000011"), Party("79161000001")
    script = Script("cb0123456789abcdef", Plan(Kind.CALLBACK, first, second), ways, 25, 1800, phase="connect", tried=1)
    steps = Steps(default_flow(), Crm(), DIALLING, room=room)
    request = Environment({"agi_callerid": "1"}, (encode(script), "CHANUNAVAIL-503"), "step", "")
    assert b"PJSIP/79161000001@three" in (await steps(request)).line
    assert asked == [(script.id, "two"), (script.id, "three")]
    full.add("three")
    assert b",say,waybell/callback-unreachable," in (await steps(request)).line


def test_a_company_without_a_number_is_told_once_at_the_start() -> None:
    with capture_logs() as logs:
        Steps(default_flow(), Crm(), DIALLING)
        Steps(default_flow(), Crm(), Dialling())
    assert [(line["log_level"], line["what_to_do"]) for line in logs] == [("warning", "set calls.company_number")]


async def test_each_step_is_told_to_whoever_debugs() -> None:
    with capture_logs() as logs:
        await ask(Crm(), RECIPIENT)
    assert [(line["event"], line["node"], line["verb"]) for line in logs] == [("step", "courier", "dial")]
