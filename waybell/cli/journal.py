"""``waybell journal list|show|export|rebuild``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls.journal import NoSuchCallError, export, list_calls, show_call
from waybell.calls.present import call_details, calls_table
from waybell.calls.queries import BadCursorError, CallFilter, parse_time
from waybell.calls.rebuild import Rebuilt, rebuild
from waybell.checks.store import explain_store, file_obstacle
from waybell.cli.options import AsJson, Config, console, print_json, settings_for_command
from waybell.settings import Settings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from waybell.wiring import normalise

T = TypeVar("T")
Text = Annotated[str, typer.Option()]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="most calls shown")]
Time = Annotated[str, typer.Option(help="ISO 8601; without zone it is UTC")]
Format = Annotated[str, typer.Option("--format", help="csv or jsonl")]


def journal_app() -> typer.Typer:
    """The commands."""
    app = typer.Typer(no_args_is_help=True, help="Every call: who called whom about which parcel, and what came of it.")
    app.command("list")(list_command)
    app.command("show")(show_command)
    app.command("export")(export_command)
    app.command("rebuild")(rebuild_command)
    return app


def list_command(
    since: Annotated[str, typer.Option("--from", help="ISO 8601; without zone it is UTC")] = "",
    until: Time = "",
    number: Text = "",
    status: Text = "",
    direction: Text = "",
    kind: Text = "",
    courier: Text = "",
    parcel: Text = "",
    client: Text = "",
    manager: Text = "",
    limit: Limit = 50,
    cursor: Text = "",
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Calls, newest first."""
    chosen = _filter(since, until, number, status, direction, kind, courier, parcel, client, manager)
    settings = settings_for_command(config)
    found = _run(settings, lambda engine: list_calls(engine, chosen, limit=limit, cursor=cursor))
    if as_json:
        print_json({"calls": [call.as_json() for call in found.calls], "cursor": found.cursor})
        return
    console().print(calls_table(found.calls), soft_wrap=True)
    if found.cursor:
        console().print(f"older ones: --cursor {found.cursor}", markup=False, soft_wrap=True)


def show_command(
    call: Annotated[str, typer.Argument(help="a call's id, or part of it")],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """One call with its legs and the reason for every step."""
    found = _run(settings_for_command(config), lambda engine: show_call(engine, call))
    if as_json:
        print_json(found.as_json())
        return
    console().print(call_details(found))


def export_command(
    since: Annotated[str, typer.Option("--from", help="ISO 8601; without zone it is UTC")] = "",
    until: Time = "",
    number: Text = "",
    status: Text = "",
    direction: Text = "",
    kind: Text = "",
    courier: Text = "",
    parcel: Text = "",
    client: Text = "",
    manager: Text = "",
    form: Format = "csv",
    config: Config = None,
) -> None:
    """Writes calls to standard output, as a spreadsheet (csv) or one JSON document a line (jsonl)."""
    chosen = _filter(since, until, number, status, direction, kind, courier, parcel, client, manager)
    _run(settings_for_command(config), lambda engine: _export(engine, chosen, form))


def rebuild_command(as_json: AsJson = False, config: Config = None) -> None:
    """Makes the journal again from the PBX's event log and its rotated files."""
    settings = settings_for_command(config)
    done = _run(settings, lambda engine: _rebuild(engine, settings))
    if as_json:
        print_json({"calls": done.calls, "files": done.files, "skipped": done.skipped})
        return
    skipped = f"; {done.skipped} records could not be read" if done.skipped else ""
    console().print(f"{done.calls} calls from {done.files} log files{skipped}")


async def _export(engine: AsyncEngine, chosen: CallFilter, form: str) -> None:
    async for piece in export(engine, chosen, form=form):
        sys.stdout.write(piece)


async def _rebuild(engine: AsyncEngine, settings: Settings) -> Rebuilt:
    columns = (TextColumn("reading the event log"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("rebuild", total=None)
        return await rebuild(
            engine,
            Path(settings.cel.path),
            pbx=settings.cel.pbx,
            normalise=normalise(settings),
            progress=lambda done, total: shown.update(task, completed=done, total=total),
        )


def _filter(since: str, until: str, *rest: str) -> CallFilter:
    try:
        start, end = (parse_time(text) if text else None for text in (since, until))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    number, status, direction, kind, courier, parcel, client, manager = rest
    return CallFilter(start, end, number, status, direction, kind, courier, parcel, client, manager)


def _run(settings: Settings, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    return asyncio.run(_with_store(settings, work))


async def _with_store(settings: Settings, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    # A store that is not there would be made here, empty, by whoever asks: often not the user that Waybell runs as.
    if hindered := file_obstacle(settings.store.url):
        _fail(hindered.problem, hindered.remedy)
    try:
        async with _store(settings) as engine:
            return await work(engine)
    except (NoSuchCallError, BadCursorError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    except (SQLAlchemyError, OSError) as error:
        _fail(*explain_store(error))


def _fail(problem: str, remedy: str) -> NoReturn:
    print(f"waybell: the journal cannot be used: {problem}; {remedy}", file=sys.stderr)
    raise typer.Exit(1) from None


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(settings.store.url)
    try:
        await migrate(engine)
        yield engine
    finally:
        await engine.dispose()
