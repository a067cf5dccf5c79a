"""An answer has room for 3500 bytes: what is shortened for it, and what never is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.routing.cast import COURIER, DIALLING, facts, in_hands
from waybell.people.rows import LONGEST_TEXT
from waybell.people.values import Identity
from waybell.routing import state as states
from waybell.routing.flow import default_flow
from waybell.routing.state import Choice, State
from waybell.routing.step import Step, step
from waybell.routing.verbs import AnswerError, answer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_NAME = "Константинопольский Александр Владимирович"
EXTENSIONS = ",".join(str(n) for n in range(1000, 1018))

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=60)
LISTS = st.lists(st.from_regex(r"\+?[0-9]{3,15}", fullmatch=True), max_size=20).map(",".join)
CHOICES = st.builds(Choice, NAMES, NAMES, NAMES, LISTS, LISTS, NAMES, NAMES)
STATES = st.builds(
    State,
    st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    *[NAMES] * 5,
    CHOICES,
    st.lists(CHOICES, max_size=9).map(tuple),
    st.integers(0, 10),
)


def parcels(couriers: int, name: str = LONG_NAME, manager: str = "199,100") -> list[Identity]:
    return [
        replace(
            in_hands(str(12345670 + n), str(1100 + n), f"7901000{n:04d}", manager),
            courier_name=name,
            manager_name="Преображенская Екатерина Александровна",
        )
        for n in range(couriers)
    ]


def first(*people: Identity, **how: object) -> Step:
    return step(default_flow(), None, "", facts(*people, **how), NOW)  # type: ignore[arg-type]


def after(this: Step, result: str) -> Step:
    """The next step, with the state as the dialplan carries it."""
    carried = states.decode(answer(this).partition(",")[0])
    return step(default_flow(), carried, result, replace(facts(), lookup=None), NOW)


@given(STATES)
def test_a_state_comes_back_as_it_was_however_long_its_lists_are(state: State) -> None:
    assert states.decode(states.encode(state)) == state


def test_a_separator_in_a_name_adds_nobody_to_a_state() -> None:
    state = State("menu", name="a\x1fb", choices=(Choice(courier_name="\x1f" * 7, manager="199"),))
    assert states.decode(states.encode(state)).choices == (Choice(courier_name=" " * 7, manager="199"),)


def test_the_extensions_of_a_long_list_are_all_whole_after_the_courier_was_busy() -> None:
    manager = after(first(in_hands(manager=EXTENSIONS)), "BUSY")
    assert manager.args[0] == "&".join(f"PJSIP/{number}" for number in EXTENSIONS.split(","))


@pytest.mark.parametrize("couriers", range(2, 10))
def test_every_courier_of_a_menu_can_be_chosen_and_rung_however_long_the_names_are(couriers: int) -> None:
    menu = first(*parcels(couriers))
    assert menu.verb == "menu"
    assert menu.args[0].count("menu-press") == len(menu.state.choices) == couriers
    for key in range(1, couriers + 1):
        assert after(menu, str(key)).args[0] == f"PJSIP/7901000{key - 1:04d}@trunk"


def test_a_menu_without_room_for_all_couriers_offers_the_first_ones_and_says_so() -> None:
    menu = first(*parcels(9, manager=EXTENSIONS))
    offered = len(menu.state.choices)
    assert 1 < offered < 9
    assert menu.args[0].count("menu-press") == offered
    assert f"there is no room for {9 - offered} more" in menu.note.why
    again = after(menu, "0")
    assert again.state.choices == menu.state.choices
    assert after(again, str(offered)).args[0] == f"PJSIP/7901000{offered - 1:04d}@trunk"


@given(
    st.lists(
        st.builds(
            replace,
            st.just(in_hands()),
            parcel=st.text(max_size=12),
            courier=st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
            courier_name=st.text(max_size=LONGEST_TEXT),
            courier_phone=st.text("0123456789+ ", max_size=LONGEST_TEXT),
            manager_extension=st.text("0123456789, ", max_size=LONGEST_TEXT),
            manager_name=st.text(max_size=LONGEST_TEXT),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_a_crm_holds_there_is_an_answer(people: list[Identity]) -> None:
    this = first(*people)
    while this.verb != "hangup":
        said = answer(this)
        assert len(said.encode("utf-8", "replace")) <= 3500
        assert said.count(",") == 7
        this = after(this, "NOANSWER")


def test_as_many_phones_ring_at_once_as_there_is_room_for_and_the_note_tells_of_the_rest() -> None:
    many = ",".join(str(n) for n in range(100000, 100028))
    this = first(replace(COURIER, manager_extension=many, manager_name=LONG_NAME))
    assert this.args[0].count("&") == 19
    assert "8 more are not rung: too many at once" in this.note.why
    wide = replace(DIALLING, extension_dial="PJSIP/" + "x" * 90 + "{extension}")
    this = first(replace(COURIER, manager_extension=many), dialling=wide)
    assert len(this.args[0]) <= 1500
    assert this.args[0].count("&") == len(this.targets) - 1 == 13
    assert answer(this)


def test_names_are_left_out_where_there_is_no_room_for_them_and_the_phones_ring_all_the_same() -> None:
    many = ",".join(str(n) for n in range(100000, 100020))
    wide = replace(DIALLING, extension_dial="PJSIP/" + "x" * 60 + "{extension}")
    long, code = "🙂" * 60, "7" * 100
    wordy = replace(COURIER, name=long, courier_name=long, manager_name=long, manager_extension=many)
    this = first(replace(wordy, id=code, parcel=code, courier=code, client=code), dialling=wide)
    said = answer(this)
    assert len(said.encode()) <= 3500
    assert said.split(",")[2] == this.args[0]
    carried = states.decode(said.partition(",")[0])
    assert (carried.name, carried.chosen.manager_name, carried.chosen.manager) == ("", "", many)


def test_a_step_that_has_no_room_at_all_is_refused() -> None:
    this = first(in_hands())
    with pytest.raises(AnswerError, match="3500 bytes"):
        answer(replace(this, state=replace(this.state, id="7" * 4000)))


def test_an_argument_with_syntax_in_it_is_refused() -> None:
    this = first(in_hands())
    with pytest.raises(AnswerError, match=r"'a,b' cannot be an argument of dial"):
        answer(replace(this, args=("PJSIP/1", "a,b")))
