"""``waybell webhooks list|retry``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from waybell.checks.store import explain_store, file_obstacle
from waybell.cli.options import AsJson, Config, console, print_json, settings_for_command
from waybell.printable import printable
from waybell.settings import Settings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from waybell.webhooks.outbox import DEAD, DELIVERED, WAITING, Dead, Outbox
from waybell.webhooks.service import utcnow

T = TypeVar("T")
_FAILED = 1
_DEAD_COLUMNS = ("id", "webhook", "event", "type", "since (UTC)", "tries", "answer", "why")
Name = Annotated[str, typer.Option("--webhook", help="only of this webhook")]


def webhooks_app() -> typer.Typer:
    """The commands."""
    app = typer.Typer(no_args_is_help=True, help="Who is told what happens to calls, and what could not be delivered.")
    app.command("list")(list_command)
    app.command("retry")(retry_command)
    return app


def list_command(
    webhook: Name = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="most events shown")] = 100,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Each webhook with how much waits, was delivered and was given up; then what was given up, the latest first."""
    settings = settings_for_command(config)
    counts, dead = _run(settings, lambda outbox: _look(outbox, webhook, limit))
    hooks = [_count(settings, name, counts) for name in _names(settings, counts) if webhook in ("", name)]
    if as_json:
        print_json({"webhooks": hooks, "dead": [_document(one) for one in dead]})
        return
    console().print(_counts_table(hooks))
    if dead:
        console().print(_dead_table(dead), "send them again with: waybell webhooks retry ID, or --all")


def retry_command(
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="ids of the list")] = None,
    everything: Annotated[bool, typer.Option("--all", help="everything that was given up")] = False,
    webhook: Name = "",
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Has what was given up sent again, for three days more. A running Waybell sends it."""
    if bool(ids) == everything:
        raise typer.BadParameter("give either ids or --all", param_hint="ID")
    number = _run(
        settings_for_command(config), lambda outbox: outbox.retry(utcnow(), ids=tuple(ids or ()), webhook=webhook)
    )
    if as_json:
        print_json({"retried": number})
    elif number:
        print(f"{number} events are sent again")
    if not number:
        print("waybell: nothing was given up that this names; see: waybell webhooks list", file=sys.stderr)
        raise typer.Exit(_FAILED)


async def _look(outbox: Outbox, webhook: str, limit: int) -> tuple[dict[str, dict[str, int]], list[Dead]]:
    return await outbox.counts(), await outbox.dead(webhook, limit)


def _names(settings: Settings, counts: dict[str, dict[str, int]]) -> list[str]:
    configured = [webhook.name for webhook in settings.webhooks]
    return [*configured, *sorted(counts.keys() - set(configured))]


def _count(settings: Settings, name: str, counts: dict[str, dict[str, int]]) -> dict[str, Any]:
    found = next((webhook for webhook in settings.webhooks if webhook.name == name), None)
    numbers = {status: counts.get(name, {}).get(status, 0) for status in (WAITING, DELIVERED, DEAD)}
    events = [event.value for event in found.events] if found else []
    return {"name": name, "url": found.url if found else None, "events": events, **numbers}


def _document(dead: Dead) -> dict[str, Any]:
    return {
        "id": dead.id,
        "webhook": dead.webhook,
        "event": dead.event_id,
        "type": dead.type,
        "created_at": f"{dead.created_at.isoformat()}Z",
        "attempts": dead.attempts,
        "status": dead.last_status or None,
        "why": dead.last_error,
    }


def _counts_table(hooks: list[dict[str, Any]]) -> Table:
    table = _table("webhook", "url", "events", WAITING, "delivered (7 days)", DEAD)
    for hook in hooks:
        url = hook["url"] or "no longer configured"
        cells = (hook["name"], url, " ".join(hook["events"]), *(str(hook[name]) for name in (WAITING, DELIVERED, DEAD)))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _dead_table(dead: list[Dead]) -> Table:
    table = _table(*_DEAD_COLUMNS)
    for one in dead:
        cells = (str(one.id), one.webhook, one.event_id, one.type, _short(one.created_at), str(one.attempts))
        answer = (str(one.last_status or "none"), one.last_error)
        table.add_row(*(Text(printable(cell)) for cell in (*cells, *answer)))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _short(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _run(settings: Settings, work: Callable[[Outbox], Awaitable[T]]) -> T:
    # A store that is not there would be made here, empty, by whoever asks: often not the user that Waybell runs as.
    if hindered := file_obstacle(settings.store.url):
        _fail(hindered.problem, hindered.remedy)
    try:
        return asyncio.run(_with_outbox(settings.store.url, work))
    except (SQLAlchemyError, OSError) as error:
        _fail(*explain_store(error))


async def _with_outbox(url: str, work: Callable[[Outbox], Awaitable[T]]) -> T:
    engine = make_engine(url)
    try:
        await migrate(engine)
        return await work(Outbox(engine))
    finally:
        await engine.dispose()


def _fail(problem: str, remedy: str) -> NoReturn:
    print(f"waybell: the webhooks' outbox cannot be used: {problem}; {remedy}", file=sys.stderr)
    raise typer.Exit(_FAILED) from None
