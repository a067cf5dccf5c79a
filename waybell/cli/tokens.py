"""``waybell token create|list|revoke``."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from waybell.checks.access import Obstacle
from waybell.checks.store import explain_store, file_obstacle
from waybell.cli.options import AsJson, Config, console, print_json, settings_for_command
from waybell.cli.token_times import parse_expiry
from waybell.printable import printable
from waybell.settings import Settings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate
from waybell.tokens.service import Tokens
from waybell.tokens.values import Scope, Token, TokenError, TokensUnavailableError

T = TypeVar("T")
_FAILED = 1
_HEADINGS = ("id", "name", "scope", "courier", "made (UTC)", "last used", "expires", "networks", "state")


def token_app() -> typer.Typer:
    """The commands."""
    app = typer.Typer(no_args_is_help=True, help="Tokens that programs show at the HTTP API.")
    app.command("create")(create_command)
    app.command("list")(list_command)
    app.command("revoke")(revoke_command)
    return app


def create_command(
    name: Annotated[str, typer.Argument(help="who will use it, such as mobile-app")],
    scope: Annotated[
        Scope,
        typer.Option(help="courier places callbacks; operator and supervisor act at a desk; admin may do all"),
    ],
    courier: Annotated[
        str | None, typer.Option(help="the only courier it may call for; else whichever its user names")
    ] = None,
    expires: Annotated[str | None, typer.Option(help="90d, 12h, 4w or 2026-12-31 (that day included, UTC)")] = None,
    network: Annotated[list[str] | None, typer.Option(help="where it may be used from, such as 192.0.2.0/24")] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Makes a token and prints it, this once."""
    until = _expiry(expires)
    token, text = _run(
        settings_for_command(config), lambda tokens: tokens.create(name, scope, courier, until, network or ())
    )
    if as_json:
        print_json({"token": text, **_document(token)})
        return
    print(text)
    sys.stdout.flush()
    print(_advice(token), file=sys.stderr)


def list_command(as_json: AsJson = False, config: Config = None) -> None:
    """Every token with its last use; never its secret."""
    found = _run(settings_for_command(config), lambda tokens: tokens.list())
    now = datetime.now(UTC)
    if as_json:
        print_json({"tokens": [{**_document(token), "state": _state(token, now)} for token in found]})
        return
    console().print(_table(found, now))


def revoke_command(
    name: Annotated[str, typer.Argument(metavar="NAME|ID", help="a token's name or id")], config: Config = None
) -> None:
    """Ends a token; every Waybell refuses it within seconds."""
    if not _run(settings_for_command(config), lambda tokens: tokens.revoke(name)):
        print("waybell: no token of that name or id is left to revoke; see: waybell token list", file=sys.stderr)
        raise typer.Exit(_FAILED)
    print(f"{printable(name)} is revoked")


def _advice(token: Token) -> str:
    bound = f" for courier {token.courier} only" if token.courier else ""
    until = f" until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else ""
    return (
        f"This is shown once: {token.name}, scope {token.scope}{bound}{until}.\n"
        "Send it with every request to the API as\n"
        "    Authorization: Bearer <token>\n"
        f"End it with: waybell token revoke {token.id}"
    )


def _expiry(text: str | None) -> datetime | None:
    try:
        return parse_expiry(text, datetime.now(UTC)) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--expires") from None


def _document(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope.value,
        "courier": token.courier,
        "networks": [str(network) for network in token.networks],
        "created_at": _iso(token.created_at),
        "last_used_at": _iso(token.last_used_at),
        "expires_at": _iso(token.expires_at),
        "revoked_at": _iso(token.revoked_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _state(token: Token, now: datetime) -> str:
    if token.revoked_at:
        return "revoked"
    return "live" if token.is_live(now) else "expired"


def _table(found: tuple[Token, ...], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for token in found:
        state = _state(token, now)
        cells = (token.id, token.name, token.scope, token.courier or "any" * (token.scope is Scope.COURIER))
        times = (_short(token.created_at), _short(token.last_used_at) or "never", _short(token.expires_at) or "never")
        networks = ", ".join(map(str, token.networks)) or "any"
        table.add_row(
            *(Text(printable(cell)) for cell in (*cells, *times, networks)),
            Text(state, style="green" if state == "live" else "dim"),
        )
    return table


def _short(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""


def _run(settings: Settings, work: Callable[[Tokens], Awaitable[T]]) -> T:
    url = settings.store.url
    if (hindered := file_obstacle(url)) and not _may_make(url, hindered):
        _fail(hindered.problem, hindered.remedy)
    try:
        return asyncio.run(_with_tokens(url, work))
    except TokenError as error:
        raise typer.BadParameter(str(error)) from None
    except TokensUnavailableError as error:
        _fail(*explain_store(error.__cause__ if isinstance(error.__cause__, Exception) else error))
    except (SQLAlchemyError, OSError) as error:
        _fail(*explain_store(error))


async def _with_tokens(url: str, work: Callable[[Tokens], Awaitable[T]]) -> T:
    engine = make_engine(url)
    tokens = Tokens(engine)
    try:
        await migrate(engine)
        return await work(tokens)
    finally:
        await tokens.close()
        await engine.dispose()


def _may_make(url: str, hindered: Obstacle) -> bool:
    """Whether a store that is a file and not there may be made: only for whoever has its folder. What root would make
    in the service's folder the service could not open.
    """
    folder = Path(make_url(url).database or "").absolute().parent
    return hindered.is_missing and folder.is_dir() and folder.stat().st_uid == os.geteuid()


def _fail(problem: str, remedy: str) -> NoReturn:
    print(f"waybell: tokens cannot be used: {problem}; {remedy}", file=sys.stderr)
    raise typer.Exit(_FAILED) from None
