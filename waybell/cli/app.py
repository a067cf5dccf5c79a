"""The commands put together, and how they fail: one line that says what to do; 2 for a wrong setting or command."""

from __future__ import annotations

import sys

import typer

from waybell.cli.admin import admin_commands
from waybell.configuration import SettingsError
from waybell.people.queries import QueryError
from waybell.routing.flow import FlowError

WRONG_SETTING = 2


def build(wanted: str = "") -> typer.Typer:
    """The command tree; for ``serve`` no more than that: what is loaded here stays in memory while it runs."""
    app = typer.Typer(
        name="waybell",
        help="Every call about a parcel reaches the person who holds it.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    admin_commands(app)
    if wanted == "serve":
        return app
    from waybell.cli.calls import call_commands
    from waybell.cli.forget import forget_command
    from waybell.cli.journal import journal_app
    from waybell.cli.tokens import token_app
    from waybell.cli.trial import call_command
    from waybell.cli.webhooks import webhooks_app

    call_commands(app)
    app.add_typer(journal_app(), name="journal")
    app.command("call")(call_command)
    app.command("forget")(forget_command)
    app.add_typer(token_app(), name="token")
    app.add_typer(webhooks_app(), name="webhooks")
    return app


def main() -> None:
    """Runs a command; a wrong setting, query or flow is one line on standard error and exit code 2."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else "")()
    except (SettingsError, QueryError, FlowError) as error:
        print(f"waybell: {error}", file=sys.stderr)
        sys.exit(WRONG_SETTING)
