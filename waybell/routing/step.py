"""One step of a call: ``step(flow, state, result, facts, now) -> Step``, a pure function of frozen values.

Serving a call, ``explain`` and the tests run this same function. It walks the flow from where the call stands to
the next node that has the dialplan do something, and says why at each node it passes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from waybell.notes import Note, Target
from waybell.numbers import PhoneNumber
from waybell.people.values import Lookup, Source
from waybell.routing.dialling import Dialling
from waybell.routing.elements import Do, Go, run
from waybell.routing.flow import Element, Flow, FlowError, Node
from waybell.routing.state import State, StateError

_DIAL_EXITS = {"ANSWER": "answered", "BUSY": "busy", "NOANSWER": "no_answer"}
_UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the call: the caller's number, the number dialled (DID), who is behind it.

    ``lookup`` is needed only for a call's first step; later ones carry what they need in their state.
    """

    caller: PhoneNumber
    dialling: Dialling
    dialed: str = ""
    lookup: Lookup | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One node passed: which, why, and by which exit it was left (empty at the node whose verb is done)."""

    node: str
    why: str
    exit: str


@dataclass(frozen=True, slots=True)
class Step:
    """What the dialplan is to do next. ``verb`` is ``dial``, ``menu`` or ``hangup``; ``args`` are that verb's."""

    at: datetime
    state: State
    verb: str
    args: tuple[str, ...]
    targets: tuple[Target, ...]
    decisions: tuple[Decision, ...]
    note: Note


def step(flow: Flow, state: State | None, result: str, facts: Facts, now: datetime) -> Step:
    """The next thing to do with a call.

    ``state`` is ``None`` at a call's start; ``result`` is what the dialplan's last verb reported. Raises
    :class:`StateError` for a state of another flow, :class:`FlowError` for a flow that goes in a circle.
    """
    passed: list[Decision] = []
    name, here = (flow.start, _start(flow, facts)) if state is None else _resume(flow, state, result)
    for _ in range(len(flow.nodes) + 1):
        node = flow.nodes[name]
        here = here.at(name)
        outcome = run(node, here, facts.caller, facts.lookup, facts.dialling, result)
        if isinstance(outcome, Do):
            passed.append(Decision(name, outcome.why, ""))
            return _step(outcome, passed, result if state is not None else "", facts, now)
        passed.append(Decision(name, outcome.why, outcome.exit))
        name, here = _follow(node, outcome)
    raise FlowError(f"flow {flow.name!r}: the nodes {', '.join(d.node for d in passed)} lead round in a circle")


def _start(flow: Flow, facts: Facts) -> State:
    source = facts.lookup.source if facts.lookup else Source.CRM
    return State(flow.start, number=facts.caller.digits, source=source)


def _follow(node: Node, outcome: Go) -> tuple[str, State]:
    return node.exits[outcome.exit], outcome.state


def _resume(flow: Flow, state: State, result: str) -> tuple[str, State]:
    node = flow.nodes.get(state.node)
    if node is None or node.element not in (Element.DIAL, Element.MENU):
        raise StateError(f"flow {flow.name!r} has no verb at node {state.node!r}: was the flow changed mid-call?")
    if node.element is Element.DIAL:
        return node.exits[_DIAL_EXITS.get(result, _UNREACHABLE)], state
    return _key_pressed(node, state, result)


def _key_pressed(node: Node, state: State, result: str) -> tuple[str, State]:
    if result == "TIMEOUT":
        return node.exits["timeout"], state
    if result.isascii() and result.isdigit() and 1 <= int(result[:2]) <= len(state.choices):
        return node.exits["chosen"], replace(state, chosen=state.choices[int(result) - 1])
    tried = replace(state, attempts=state.attempts + 1)
    return node.exits["exhausted" if tried.attempts >= node.attempts else "wrong"], tried


def _step(do: Do, passed: list[Decision], last: str, facts: Facts, now: datetime) -> Step:
    state = do.state
    note = Note(
        step=passed[0].node,
        verb=do.verb,
        why="; ".join(decision.why for decision in passed),
        source=state.source,
        last=last,
        number=state.number,
        dialed=facts.dialed,
        kind=state.kind,
        id=state.id,
        name=state.name,
        parcel=state.chosen.parcel,
        courier=state.chosen.courier,
        client=state.chosen.client,
        manager=do.manager,
        to=do.targets,
    )
    return Step(now, state, do.verb, do.args, do.targets, tuple(passed), note)
