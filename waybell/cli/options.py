"""Options that several commands share, and what they give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from waybell.configuration import load_settings
from waybell.logs import set_up_logs
from waybell.settings import Settings

Config = Annotated[
    Path | None,
    typer.Option("--config", help="TOML file; else $WAYBELL_CONFIG, /etc/waybell/waybell.toml, ./waybell.toml"),
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document on standard output and nothing else")]


def settings_for_command(config: Path | None) -> Settings:
    """The settings, with only warnings and errors logged: the command's own output is what matters."""
    settings = load_settings(config)
    set_up_logs("warning", settings.log.format)
    return settings


def print_json(document: Any) -> None:
    """One JSON document, letters of all alphabets as they are."""
    print(json.dumps(document, ensure_ascii=False, indent=2))


def console() -> Console:
    """Standard output for people."""
    return Console(highlight=False)
