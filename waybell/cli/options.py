"""Options that several commands share, and what they give."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from waybell.configuration import load_settings
from waybell.logs import set_up_logs
from waybell.settings import Settings

_UNWRAPPED = 100_000

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
    """One JSON document, letters of all alphabets as they are; what would steer a terminal is escaped."""
    print(harmless(json.dumps(document, ensure_ascii=False, indent=2)))


def harmless(text: str) -> str:
    """JSON or CSV with every control character but line ends as JSON escapes it."""
    return "".join(letter if letter.isprintable() or letter in "\r\n" else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return json.dumps(letter)[1:-1] if letter > "\x7f" else f"\\u{ord(letter):04x}"


def console() -> Console:
    """Standard output for people; into a file or another program no line is ever wrapped."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _UNWRAPPED)


def program() -> str:
    """This command as another user can type it: ``sudo`` looks at few folders, so with its own."""
    if own := shutil.which(sys.argv[0]):
        return str(Path(own).absolute())
    installed = Path(sys.executable).with_name("waybell")
    return str(installed) if installed.exists() else "waybell"
