"""``waybell journal list|show|export|rebuild``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.calls import export
from waybell.calls.journal import Count, NoSuchCallError, Page, count_calls, list_calls, show_call
from waybell.calls.present import call_details, calls_table
from waybell.calls.queries import NEWEST_FIRST, ORDERS, CallFilter, parse_time
from waybell.calls.rebuild import Rebuilt, rebuild
from waybell.calls.rebuild_table import rebuild_from_table
from waybell.calls.search_deadline import TooSlowError
from waybell.checks.store import explain_store, file_obstacle
from waybell.cli.options import AsJson, Config, console, harmless, print_json, settings_for_command
from waybell.feedback.store import write_feedback
from waybell.settings import Settings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from waybell.wiring import normalise

_SECONDS = 60.0  # nobody waits but who asks, and Ctrl-C ends it

T = TypeVar("T")
Text = Annotated[str, typer.Option()]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="most calls shown")]
From = Annotated[str, typer.Option("--from", help="ISO 8601; without zone it is UTC")]
Time = Annotated[str, typer.Option(help="ISO 8601; without zone it is UTC")]
Number = Annotated[str, typer.Option(help="digits anywhere in a number; =200 for that number exactly")]
Rating = Annotated[int | None, typer.Option(min=1, max=5, help="what the caller gave")]
Search = Annotated[str, typer.Option(help="words that are in the caller's or the answerer's name")]
Order = Annotated[str, typer.Option(help="-started_at (newest first) or started_at")]
Format = Annotated[str, typer.Option("--format", help="csv, jsonl or xlsx")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="a file instead of standard output")]


def journal_app() -> typer.Typer:
    """The commands."""
    app = typer.Typer(no_args_is_help=True, help="Every call: who called whom about which parcel, and what came of it.")
    app.command("list")(list_command)
    app.command("show")(show_command)
    app.command("export")(export_command)
    app.command("rebuild")(rebuild_command)
    return app


def list_command(
    since: From = "",
    until: Time = "",
    number: Number = "",
    status: Text = "",
    direction: Text = "",
    kind: Text = "",
    courier: Text = "",
    parcel: Text = "",
    client: Text = "",
    manager: Text = "",
    rating: Rating = None,
    search: Search = "",
    order: Order = NEWEST_FIRST,
    limit: Limit = 50,
    cursor: Text = "",
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Calls, newest first."""
    texts = number, status, direction, kind, courier, parcel, client, manager
    chosen = _filter(since, until, texts, rating, search)
    found, count = _run(
        settings_for_command(config), lambda engine: _list(engine, chosen, _order(order), limit, cursor)
    )
    if as_json:
        counted = {"calls": count.calls, "exact": count.exact} if count else None
        print_json({"calls": [call.as_json() for call in found.calls], "cursor": found.cursor, "count": counted})
        return
    console().print(calls_table(found.calls), soft_wrap=True)
    if found.cursor:
        console().print(f"{_of(found, count)}more: --cursor {found.cursor}", markup=False, soft_wrap=True)


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
    since: From = "",
    until: Time = "",
    number: Number = "",
    status: Text = "",
    direction: Text = "",
    kind: Text = "",
    courier: Text = "",
    parcel: Text = "",
    client: Text = "",
    manager: Text = "",
    rating: Rating = None,
    search: Search = "",
    order: Order = NEWEST_FIRST,
    form: Format = "csv",
    output: Output = None,
    config: Config = None,
) -> None:
    """Writes all such calls, as a spreadsheet (csv, xlsx) or one JSON document a line (jsonl)."""
    texts = number, status, direction, kind, courier, parcel, client, manager
    chosen = _filter(since, until, texts, rating, search)
    if form not in (*export.TEXTS, "xlsx"):
        raise typer.BadParameter(f"format {form!r} is not known; allowed: {', '.join(export.TEXTS)}, xlsx")
    if form == "xlsx" and output is None and sys.stdout.isatty():
        raise typer.BadParameter("a workbook is not text: name a file with --output")
    _run(settings_for_command(config), lambda engine: _export(engine, chosen, _order(order), form, output))


def rebuild_command(as_json: AsJson = False, config: Config = None) -> None:
    """Makes the journal again from the PBX's event log and its rotated files."""
    settings = settings_for_command(config)
    done = _run(settings, lambda engine: _rebuild(engine, settings))
    if as_json:
        print_json({"calls": done.calls, "files": done.files, "skipped": done.skipped})
        return
    skipped = f"; {done.skipped} records could not be read" if done.skipped else ""
    console().print(f"{done.calls} calls from {done.files} log files{skipped}")


async def _list(
    engine: AsyncEngine, chosen: CallFilter, order: str, limit: int, cursor: str
) -> tuple[Page, Count | None]:
    found = await list_calls(engine, chosen, order=order, limit=limit, cursor=cursor, seconds=_SECONDS)
    return found, None if cursor else await count_calls(engine, chosen, found)


def _of(found: Page, count: Count | None) -> str:
    """How many there are in all, before what is to be typed for the next ones."""
    if count is None:
        return ""
    return f"{len(found.calls)} of {'' if count.exact else 'more than '}{count.calls:,} calls; "


async def _export(engine: AsyncEngine, chosen: CallFilter, order: str, form: str, output: Path | None) -> None:
    found = export.batches(engine, chosen, order=order, seconds=_SECONDS)
    with output.open("wb") if output else nullcontext(sys.stdout.buffer) as file, _shown(found) as counted:
        if form == "xlsx":
            await export.xlsx(counted, file)
        else:
            steer = output is None and sys.stdout.isatty()
            async for piece in export.text(form, counted):
                file.write((harmless(piece) if steer else piece).encode("utf-8", "replace"))
        file.flush()


@contextmanager
def _shown(found: AsyncIterator[export.Rows]) -> Iterator[AsyncIterator[export.Rows]]:
    """``found``, while a terminal shows how many there were and how far back in time it is."""
    columns = TextColumn("exporting: {task.completed:,.0f} calls {task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=False) as shown:
        task = shown.add_task("", total=None)

        async def counted() -> AsyncIterator[export.Rows]:
            async for rows in found:
                yield rows
                shown.update(task, advance=len(rows), description=f"up to {str(rows[-1]['started_at'])[:16]}")

        yield counted()


async def _rebuild(engine: AsyncEngine, settings: Settings) -> Rebuilt:
    if settings.cel.url:
        return await _rebuild_from_table(engine, settings)
    columns = (TextColumn("reading the event log"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("rebuild", total=None)
        return await rebuild(
            engine,
            Path(settings.cel.path),
            pbx=settings.cel.pbx,
            normalise=normalise(settings),
            progress=lambda done, total: shown.update(task, completed=done, total=total),
            also=write_feedback,
        )


async def _rebuild_from_table(engine: AsyncEngine, settings: Settings) -> Rebuilt:
    cel, log = settings.cel, make_engine(settings.cel.url)
    columns = (TextColumn("reading the event log's table"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as shown:
            task = shown.add_task("rebuild", total=None)
            return await rebuild_from_table(
                engine,
                log,
                cel.table,
                pbx=cel.pbx,
                normalise=normalise(settings),
                progress=lambda done, total: shown.update(task, completed=done, total=total),
                also=write_feedback,
            )
    finally:
        await log.dispose()


def _filter(since: str, until: str, texts: Sequence[str], rating: int | None, search: str) -> CallFilter:
    try:
        start, end = (parse_time(text) if text else None for text in (since, until))
        number, status, direction, kind, courier, parcel, client, manager = texts
        return CallFilter(
            start, end, number, status, direction, kind, courier, parcel, client, manager, rating, search
        ).checked()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _order(order: str) -> str:
    if order not in ORDERS:
        raise typer.BadParameter(f"order {order!r} is not known; allowed: {', '.join(ORDERS)}")
    return order


def _run(settings: Settings, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    return asyncio.run(_with_store(settings, work))


async def _with_store(settings: Settings, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    # A store that is not there would be made here, empty, by whoever asks: often not the user that Waybell runs as.
    if hindered := file_obstacle(settings.store.url):
        _fail(hindered.problem, hindered.remedy)
    try:
        async with _store(settings) as engine:
            return await work(engine)
    except (NoSuchCallError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    except TooSlowError as error:
        print(f"waybell: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
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
