from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from tests.unit.routing.cast import COURIER, facts, in_hands
from waybell.people.values import Identity
from waybell.routing import explain as module
from waybell.routing.explain import Explained, as_document, explain
from waybell.routing.flow import default_flow
from waybell.routing.step import step

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def told(*people: Identity) -> Explained:
    return explain(default_flow(), facts(*people), NOW)


def test_the_tree_is_courier_manager_office_end() -> None:
    tree = told(in_hands())
    names = []
    while tree:
        names.append((tree.step.state.node, tree.results))
        tree = tree.then[0] if tree.then else None  # type: ignore[assignment]
    every = ("BUSY", "NOANSWER", "CHANUNAVAIL")
    assert names == [("courier", ()), ("manager", every), ("office", every), ("end", ("BUSY",))]


def test_every_key_of_a_menu_is_followed() -> None:
    tree = told(in_hands("10", "11"), in_hands("27", "12", "79010000012"))
    assert [branch.results for branch in tree.then] == [("1",), ("2",), ("TIMEOUT",)]
    assert tree.then[1].step.args[0] == "PJSIP/79010000012@trunk"


def test_it_decides_nothing_itself() -> None:
    tree = told(COURIER)
    assert tree.step == step(default_flow(), None, "", facts(COURIER), NOW)
    later = tree.then[0]
    assert later.step == step(default_flow(), tree.step.state, later.results[0], facts(COURIER), NOW)
    assert not hasattr(module, "Lookup")


def test_it_is_one_json_document() -> None:
    document = json.loads(json.dumps(as_document(told(in_hands()))))
    assert document["decisions"][0] == {"node": "find", "why": "79161234567 is recipient 10", "exit": "recipient"}
    assert document["then"][0]["node"] == "manager"


def test_it_follows_the_call_with_what_the_dialplan_carries_and_no_more() -> None:
    long = "Константинопольский Александр Владимирович"
    people = [
        replace(in_hands(str(n), str(n), f"790100000{n}"), courier_name=long, manager_name=long) for n in range(10, 19)
    ]
    menu = told(*people)
    chosen = menu.then[0].step.targets[0].name
    assert long.startswith(chosen)
    assert chosen == menu.step.state.choices[0].courier_name != long


def test_what_cannot_be_said_to_the_dialplan_is_told_and_not_passed_over() -> None:
    tree = told(replace(in_hands(), id="7" * 4000))
    assert "over 3500 bytes" in tree.problem
    assert tree.then == ()
    assert as_document(tree)["problem"] == tree.problem
