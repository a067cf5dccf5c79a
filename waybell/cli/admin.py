"""The admin's commands: run it, check it, set it up."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from waybell.checks.findings import ASTERISK_CONFIG, Finding, Site, Status
from waybell.cli.options import AsJson, Config, console, print_json, settings_for_command
from waybell.cli.setup import dialplan_app, init_command, prompts_command
from waybell.configuration import load_settings
from waybell.parts import PARTS

FAILED = 1
_COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "bold red", Status.SKIPPED: "dim"}


def admin_commands(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("serve")(serve_command)
    app.command("check")(check_command)
    app.command("init")(init_command)
    app.command("prompts")(prompts_command)
    app.add_typer(dialplan_app(), name="dialplan")


def serve_command(
    config: Config = None,
    only: Annotated[str, typer.Option(help=f"parts to run, separated by commas: {', '.join(PARTS)}")] = "",
) -> None:
    """Runs Waybell until it is told to stop."""
    # Each command loads what it runs: serving needs no checks, and looking at the journal no web server.
    from waybell.serve import run

    parts = [part.strip() for part in only.split(",") if part.strip()]
    run(load_settings(config), parts or PARTS)


def check_command(
    as_json: AsJson = False,
    asterisk_config: Annotated[
        Path, typer.Option(help="Asterisk's configuration directory, as seen from here")
    ] = ASTERISK_CONFIG,
    config: Config = None,
) -> None:
    """Tries every connection and says what to do about each failure."""
    from waybell.checks.run import run_checks

    site = Site(settings_for_command(config), asterisk_config)
    findings = asyncio.run(run_checks(site))
    well = not any(finding.status is Status.FAILED for finding in findings)
    if as_json:
        print_json({"ok": well, "checks": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
    sys.exit(0 if well else FAILED)


def _show(findings: list[Finding]) -> None:
    width = max(len(finding.check) for finding in findings)
    out = console()
    for found in findings:
        advice = f" → {escape(found.advice)}" if found.advice else ""
        status = f"[{_COLOURS[found.status]}]{found.status.value:<7}[/]"
        out.print(f"{status}  {found.check:<{width}}  {escape(found.message)}{advice}", soft_wrap=True)
