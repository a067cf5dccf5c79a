"""``waybell explain`` and ``waybell identify``: what would happen to a call, and who is behind a number."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.tree import Tree

from waybell import numbers
from waybell.calls.present import who
from waybell.cli.options import AsJson, Config, console, print_json, settings_for_command
from waybell.numbers import NumberKind, PhoneNumber
from waybell.people.values import Identity, Lookup, Source
from waybell.printable import printable
from waybell.routing.explain import Explained, as_document, explain
from waybell.routing.extras import recording_id
from waybell.routing.step import Facts
from waybell.settings import Settings
from waybell.wiring import dialling, extras, flow, number_plan, people

Number = Annotated[str, typer.Argument(help="the caller's number, however it is written")]

# Nothing is recorded, so no id is drawn.
_NOT_DRAWN = "0" * 20


def call_commands(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("explain")(explain_command)
    app.command("identify")(identify_command)


def explain_command(
    number: Number,
    did: Annotated[str, typer.Option(help="the number that was dialled")] = "",
    at: Annotated[str, typer.Option(help="the time of the call, ISO 8601; now if not given")] = "",
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Shows each decision of a call from outside and why. No call is made."""
    settings = settings_for_command(config)
    caller = numbers.parse(number, number_plan(settings))
    when = _time(at)
    lookup = asyncio.run(_look_up(settings, caller, outside=True))
    chosen = replace(extras(settings), new_id=recording_id(when, _NOT_DRAWN))
    tree = explain(flow(settings), Facts(caller, dialling(settings), did, lookup, chosen), when)
    if as_json:
        print_json({"number": _number(caller), "did": did, "at": when.isoformat(), "route": as_document(tree)})
        return
    _show(_heading(number, caller, lookup))
    console().print(_tree(tree, Tree("call comes in")))


def identify_command(number: Number, as_json: AsJson = False, config: Config = None) -> None:
    """Shows everybody behind a number, as the CRM has it now."""
    settings = settings_for_command(config)
    caller = numbers.parse(number, number_plan(settings))
    lookup = asyncio.run(_look_up(settings, caller, outside=False))
    if as_json:
        found = [asdict(person) for person in lookup.people]
        print_json({"number": _number(caller), "source": lookup.source, "why": lookup.why, "people": found})
        return
    _show(_heading(number, caller, lookup))
    for person in lookup.people:
        _show(_one_line(person))


def _show(line: str) -> None:
    console().print(printable(line), markup=False)


def _one_line(person: Identity) -> str:
    fields = {key: value for key, value in asdict(person).items() if value and key not in ("kind", "id", "name")}
    rest = ", ".join(f"{key}={value}" for key, value in fields.items())
    return f"  {who(person.kind.value, person.id, person.name, person.client)}: {rest}"


async def _look_up(settings: Settings, caller: PhoneNumber, *, outside: bool) -> Lookup:
    if caller.kind in (NumberKind.ANONYMOUS, NumberKind.INVALID) or (outside and not caller.has_e164):
        return Lookup((), Source.FALLBACK, f"the number is {caller.kind.value}: the CRM is not asked")
    async with people(settings) as crm:
        return await crm.identify(caller.digits)


def _number(caller: PhoneNumber) -> dict[str, Any]:
    return {"kind": caller.kind.value, "digits": caller.digits, "region": caller.region}


def _heading(number: str, caller: PhoneNumber, lookup: Lookup) -> str:
    said = f" ({lookup.why})" if lookup.why else ""
    found = f"{len(lookup.people)} found, source {lookup.source.value}{said}"
    return f"{number}: {caller.kind.value} {caller.digits}, {found}"


def _time(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        allowed = "ISO 8601 is allowed, such as 2026-11-21T18:00+03:00"
        raise typer.BadParameter(f"{text!r} is not a time; {allowed}") from None


def _tree(explained: Explained, tree: Tree) -> Tree:
    this = explained.step
    for decision in this.decisions:
        leaves = f" → {decision.exit}" if decision.exit else ""
        tree.add(_leaf(f"{decision.node}: {decision.why}{leaves}"))
    if explained.problem:
        tree.add(_leaf(f"the dialplan cannot be told and rings its own office: {explained.problem}"))
        return tree
    done = tree.add(_leaf(f"{this.verb} {' '.join(this.args)}"))
    for branch in explained.then:
        _tree(branch, done.add(_leaf(f"if {', '.join(branch.results)}:")))
    return tree


def _leaf(text: str) -> str:
    return escape(printable(text))
