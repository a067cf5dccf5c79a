from __future__ import annotations

from waybell.calls.bridges import Bridges


def test_two_in_a_bridge_talk_until_one_leaves() -> None:
    bridges = Bridges()
    assert bridges.enter("x", "a", 10, mixed=False) == frozenset()
    assert set(bridges.enter("x", "b", 20, mixed=False)) == {"a", "b"}
    assert bridges.leave("x", "a", 50)
    assert bridges.talked == 30


def test_talk_in_two_bridges_at_once_counts_once() -> None:
    bridges = Bridges()
    for bridge, who, at in (("x", "a", 10), ("x", "b", 20), ("y", "c", 30), ("y", "d", 40)):
        bridges.enter(bridge, who, at, mixed=False)
    bridges.leave("x", "a", 50)
    assert bridges.talked == 0, "the other two go on"
    bridges.gone("d", 60)
    assert bridges.talked == 40


def test_through_a_local_channel_people_in_two_bridges_hear_each_other() -> None:
    bridges = Bridges()
    bridges.pipes = {"one": "Local/5@x-1", "two": "Local/5@x-1"}
    assert bridges.enter("x", "a", 10, mixed=False) == frozenset()
    assert bridges.enter("x", "one", 20, mixed=False) == frozenset(), "nobody is at its other end"
    assert bridges.enter("y", "two", 30, mixed=False) == frozenset()
    assert set(bridges.enter("y", "b", 40, mixed=False)) == {"a", "b"}
    bridges.leave("y", "two", 90)
    assert bridges.talked == 50


def test_two_who_stay_in_a_bridge_with_a_local_channel_go_on() -> None:
    bridges = Bridges()
    bridges.pipes = {"one": "Local/5@x-1"}
    for who in ("a", "one", "b", "c"):
        bridges.enter("x", who, 10, mixed=False)
    bridges.leave("x", "c", 20)
    bridges.leave("x", "one", 30)
    bridges.leave("x", "b", 40)
    assert bridges.talked == 30


def test_alone_in_a_conference_counts_alone_elsewhere_does_not() -> None:
    bridges = Bridges()
    assert set(bridges.enter("room", "a", 10, mixed=True)) == {"a"}
    bridges.leave("room", "a", 30)
    assert bridges.enter("x", "a", 40, mixed=False) == frozenset()
    bridges.stop(90)
    assert bridges.talked == 20


def test_a_bridge_that_grew_while_people_were_in_it_is_no_conference() -> None:
    bridges = Bridges()
    bridges.enter("x", "a", 10, mixed=False)
    bridges.enter("x", "b", 20, mixed=True)
    bridges.leave("x", "b", 30)
    bridges.stop(90)
    assert bridges.talked == 10


def test_who_was_in_no_bridge_leaves_none() -> None:
    assert not Bridges().leave("x", "a", 10)
