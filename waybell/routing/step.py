"""One step of a call: ``step(flow, state, result, facts, now) -> Step``, a pure function of frozen values.

Serving a call, ``explain`` and the tests run this same function. It walks the flow from where the call stands to
the next node that has the dialplan do something, and says why at each node it passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from waybell.notes import Note, Target
from waybell.numbers import NumberKind, PhoneNumber
from waybell.people.values import Lookup, Source
from waybell.routing.aftercare import RECORD_RESULTS, after_rating
from waybell.routing.dialling import Dialling, outside_name
from waybell.routing.elements import run
from waybell.routing.extras import NO_EXTRAS, Extras
from waybell.routing.flow import Element, Flow, FlowError
from waybell.routing.state import State, StateError
from waybell.routing.walk import Do, Walk

_DIAL_EXITS = {"ANSWER": "answered", "BUSY": "busy", "NOANSWER": "no_answer"}
_UNREACHABLE = "unreachable"
_WITH_VERBS = (Element.DIAL, Element.MENU, Element.RATE, Element.COMMENT)
_INTERNAL = (NumberKind.EXTENSION, NumberKind.SHORT)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the call: the caller's number, the number dialled (DID), who is behind it.

    ``lookup`` is needed only for a call's first step; later ones carry what they need in their state.
    """

    caller: PhoneNumber
    dialling: Dialling
    dialed: str = ""
    lookup: Lookup | None = None
    extras: Extras = NO_EXTRAS


class Decision(NamedTuple):
    """One node passed: which, why, and by which exit it was left (empty at the node whose verb is done)."""

    node: str
    why: str
    exit: str


@dataclass(frozen=True, slots=True)
class Step:
    """What the dialplan is to do next. ``args`` are those of ``verb``; see ``dialplan/waybell.conf``."""

    at: datetime
    state: State
    verb: str
    args: tuple[str, ...]
    targets: tuple[Target, ...]
    decisions: tuple[Decision, ...]
    note: Note


def step(flow: Flow, state: State | None, result: str, facts: Facts, now: datetime) -> Step:
    """The next thing to do with a call from outside.

    ``state`` is ``None`` at a call's start; ``result`` is what the dialplan's last verb reported. Raises
    :class:`StateError` for a state of another flow, :class:`FlowError` for a flow that goes in a circle.
    """
    passed: list[Decision] = []
    if state is None:
        walk, name = _begin(flow, facts), flow.start
    else:
        walk = _resume(flow, state, result, facts)
        name = _leave(walk)
    nodes = flow.nodes
    for _ in range(len(nodes) + 1):
        walk.enter(nodes[name])
        outcome = run(walk)
        if isinstance(outcome, Do):
            passed.append(Decision(name, outcome.why, ""))
            return _step(outcome, walk, passed, "" if state is None else result, now)
        passed.append(Decision(name, outcome.why, outcome.exit))
        name = walk.node.exits[outcome.exit]
    raise FlowError(f"flow {flow.name!r}: the nodes {', '.join(d.node for d in passed)} lead round in a circle")


def _begin(flow: Flow, facts: Facts) -> Walk:
    caller, lookup = facts.caller, facts.lookup
    walk = Walk(caller, lookup, facts.dialling, "", flow.nodes[flow.start])
    walk.source = lookup.source if lookup else Source.CRM
    if caller.kind in _INTERNAL:
        # From outside anybody can give an extension as their number; shown as it is, it would pass for a colleague's.
        walk.name = outside_name(facts.dialling, caller.digits)
    else:
        walk.number = caller.digits
    walk.dialed, walk.extras = facts.dialed, facts.extras
    return walk


def _resume(flow: Flow, state: State, result: str, facts: Facts) -> Walk:
    node = flow.nodes.get(state.node)
    if node is None or node.element not in _WITH_VERBS:
        raise StateError(f"flow {flow.name!r} has no verb at node {state.node!r}: was the flow changed mid-call?")
    return Walk(
        facts.caller,
        facts.lookup,
        facts.dialling,
        result,
        node,
        state.number,
        state.kind,
        state.id,
        state.name,
        state.source,
        state.chosen,
        state.choices,
        state.attempts,
        state.recording,
        facts.dialed,
        facts.extras,
    )


def _leave(walk: Walk) -> str:
    """The node that comes after the verb that was done."""
    exits, result, element = walk.node.exits, walk.result, walk.node.element
    if element is Element.DIAL:
        if result in RECORD_RESULTS:
            return walk.node.name
        walk.over = result == "ANSWER"
        return exits[_DIAL_EXITS.get(result, _UNREACHABLE)]
    if element is Element.RATE:
        exit_ = after_rating(walk)
        return exits[exit_] if exit_ else walk.node.name
    if element is Element.COMMENT:
        walk.over = True
        return exits["done"]
    if result == "TIMEOUT":
        return exits["timeout"]
    if result.isascii() and result.isdigit() and 1 <= int(result[:2]) <= len(walk.choices):
        walk.chosen = walk.choices[int(result[:2]) - 1]
        return exits["chosen"]
    walk.attempts += 1
    return exits["exhausted" if walk.attempts >= walk.node.attempts else "wrong"]


def _step(do: Do, walk: Walk, passed: list[Decision], last: str, now: datetime) -> Step:
    state = walk.state()
    chosen = state.chosen
    note = Note(
        passed[0].node,
        "dial" if do.verb == "stay" else do.verb,
        "; ".join([decision.why for decision in passed]),
        state.source,
        last,
        state.number,
        walk.dialed,
        state.kind,
        state.id,
        state.name,
        chosen.parcel,
        chosen.courier,
        chosen.client,
        do.manager,
        do.targets,
        do.recording,
        walk.rating or do.rating,
    )
    return Step(now, state, do.verb, do.args, do.targets, tuple(passed), note)
