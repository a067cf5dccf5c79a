"""What would happen to a call, told without making it. Every decision comes from :func:`step`; none is made here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from waybell.routing import state as states
from waybell.routing.flow import Element, Flow
from waybell.routing.step import Facts, Step, step
from waybell.routing.verbs import AnswerError, answer

_DIAL_RESULTS = ("BUSY", "NOANSWER", "CHANUNAVAIL")
_MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class Explained:
    """One step, and what would come after each result of its verb. ``results`` lead here from the step before.

    ``problem`` says why the dialplan cannot be told to do this; it rings the office then, and nothing comes after.
    """

    results: tuple[str, ...]
    step: Step
    then: tuple[Explained, ...] = field(default=())
    problem: str = ""


def explain(flow: Flow, facts: Facts, now: datetime) -> Explained:
    """The whole tree of a call, from its first step on."""
    budget = iter(range(_MOST_STEPS))
    return _explained((), step(flow, None, "", facts, now), flow, facts, now, budget)


def _explained(
    results: tuple[str, ...], this: Step, flow: Flow, facts: Facts, now: datetime, budget: Iterator[int]
) -> Explained:
    branches: dict[tuple[str, tuple[str, ...]], tuple[list[str], Step]] = {}
    try:
        carried = states.decode(answer(this).partition(",")[0])
    except AnswerError as error:
        return Explained(results, this, problem=str(error))
    for result in _results(this, flow):
        after = step(flow, carried, result, facts, now)
        branches.setdefault((after.state.node, after.args), ([], after))[0].append(result)
    then = tuple(
        _explained(tuple(leading), after, flow, facts, now, budget)
        for leading, after in branches.values()
        if next(budget, None) is not None
    )
    return Explained(results, this, then)


def _results(this: Step, flow: Flow) -> tuple[str, ...]:
    """What the verb may report. A wrong key is not followed: it offers the same choice again."""
    if this.verb == "record":
        return ("RECORDING",)
    if flow.nodes[this.state.node].element is Element.DIAL:
        return ("ANSWER", *_DIAL_RESULTS) if this.verb == "stay" else _DIAL_RESULTS
    if flow.nodes[this.state.node].element is Element.MENU:
        return (*(str(key) for key in range(1, len(this.state.choices) + 1)), "TIMEOUT")
    if flow.nodes[this.state.node].element is Element.RATE:
        return ("1", "2", "3", "4", "5", "TIMEOUT")
    return ("DONE",) if flow.nodes[this.state.node].element is Element.COMMENT else ()


def as_document(explained: Explained) -> dict[str, Any]:
    """The tree as one JSON document."""
    this = explained.step
    return {
        "on": list(explained.results),
        "step": this.note.step,
        "node": this.state.node,
        "verb": this.verb,
        "args": list(this.args),
        "why": this.note.why,
        "problem": explained.problem,
        "source": this.note.source,
        "decisions": [{"node": d.node, "why": d.why, "exit": d.exit} for d in this.decisions],
        "targets": [{"number": t.number, "kind": t.kind, "id": t.id, "name": t.name} for t in this.targets],
        "then": [as_document(branch) for branch in explained.then],
    }
