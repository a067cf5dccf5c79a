"""The journal on a terminal: what may be shortened, and what never."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from waybell.calls.present import call_details, calls_table, who
from waybell.calls.values import Call, Direction, Leg, Party, RouteStep, Status

AT = 1_795_315_974_000_000
LONG = "Анна Александровна Константинопольская-Нижегородская"
CALL = Call(
    id="pbx1-1795315974.1042",
    direction=Direction.INBOUND,
    status=Status.IN_PROGRESS,
    started_at=AT,
    answered_at=AT + 1_000_000,
    ended_at=AT + 5_000_000,
    caller=Party("79161000001", LONG, "recipient", "10"),
    dialed="74951234567",
    answered_by=Party("79010000011", LONG, "courier", "11"),
    parcel="1000017",
    courier="11",
    client="21",
    manager=None,
    wait_seconds=1.2,
    ring_seconds=1.0,
    talk_seconds=1312.5,
    legs=(Leg("79010000011", "PJSIP/trunk-0000001b", AT, AT, AT, 16),),
    route=(RouteStep(AT, "find", "dial", "parcel 1000017 is with courier 11, who has been rung", "ANSWER", "crm"),),
)
WHOLE = ("2026-11-22 02:52:54", CALL.id, "79161000001 recipient 10", "79010000011 courier 11", "1000017", "1312.5")


def shown(what: object, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(what, soft_wrap=True)
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [80, 100, 120, 140, 160, 1000])
def test_at_any_usual_width_no_number_id_or_date_is_broken_and_every_line_fits(width: int) -> None:
    lines = shown(calls_table([CALL, replace(CALL, answered_by=None)]), width)
    text = "\n".join(lines)
    assert all(part in text for part in WHOLE)
    assert max(map(len, lines)) <= width


def test_on_a_narrow_terminal_a_call_has_two_lines_and_names_are_shortened() -> None:
    [*_, first, second] = shown(calls_table([CALL]), 80)
    assert first.endswith(CALL.id)
    assert second.count(" Анн…") == 2
    assert second.endswith("parcel 1000017")


def test_on_the_narrowest_terminal_the_names_go_and_the_rest_stays_whole() -> None:
    text = "\n".join(shown(calls_table([CALL]), 40))
    assert all(part in text for part in WHOLE)
    assert "Анна" not in text


def test_where_there_is_room_a_call_has_one_line_with_all_of_it() -> None:
    [heading, line] = shown(calls_table([CALL]), 1000)
    assert heading.split()[:2] == ["started", "(UTC)"]
    assert all(part in line for part in WHOLE)
    assert line.count(LONG) == 2


def test_columns_stand_below_each_other() -> None:
    lines = shown(calls_table([CALL, replace(CALL, caller=Party("101"), parcel=None)]), 1000)
    assert len({line.index("79010000011") for line in lines[1:]}) == 1
    assert len({line.index(CALL.id) for line in lines[1:]}) == 1


def test_no_calls_are_only_headings() -> None:
    assert len(shown(calls_table([]), 80)) == 1


def test_one_call_with_its_legs_and_route_fits_a_usual_terminal() -> None:
    text = "\n".join(shown(call_details(CALL), 80))
    for part in (CALL.id, "79010000011 02:52:54.000 ", "PJSIP/trunk-0000001b", "02:52:54.000 find dial ANSWER crm "):
        assert part in text


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (("recipient", "10", "Anna", None), "recipient 10 Anna"),
        (("client", "101", "Bookshop", "101"), "client 101 Bookshop"),
        (("client", "101", "Bookshop", None), "client 101 Bookshop"),
        (("client", "201", "Irina", "101"), "client 101, contact person Irina"),
        (("client", "201", None, "101"), "client 101, contact person 201"),
        (("courier", "11", None, "101"), "courier 11"),
        ((None, None, None, None), ""),
        (("", "", "", ""), ""),
    ],
)
def test_who_somebody_is(person: tuple[str | None, str | None, str | None, str | None], words: str) -> None:
    assert who(*person) == words


def test_a_contact_person_is_not_taken_for_the_client() -> None:
    call = replace(CALL, caller=Party("79055000201", "Irina", "client", "201"), client="101")
    for what in (calls_table([call]), call_details(call)):
        assert "79055000201 client 101, contact person Irina" in "\n".join(shown(what, 200))
