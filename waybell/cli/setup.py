"""``waybell init``, ``waybell dialplan install`` and ``waybell prompts``: everything put in its place once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from waybell.checks.findings import ASTERISK_CONFIG
from waybell.cli.options import Config, program, settings_for_command
from waybell.initialising import SYSTEM_CONFIG, USER, InitError, Initialised, initialise
from waybell.installing import Done, InstallError, install_dialplan, is_included, sounds_folder
from waybell.prompts import PromptsError, make_prompts
from waybell.resources import data_dir

LANGUAGES = "ru,en"
_FAILED = 1
_RELOAD = 'asterisk -rx "dialplan reload"'
_SERVICE = "waybell.service"
_UNIT_PROGRAM = "/opt/waybell/bin/waybell"
# With connected line Asterisk tells each side of a call what the other says of itself in mid-call: its number.
_TRUNK = ("context = waybell-incoming", "send_connected_line = no", "trust_connected_line = no", "allow_transfer = no")

Languages = Annotated[str, typer.Option(help="languages of the prompts, separated by commas")]


def dialplan_app() -> typer.Typer:
    """``waybell dialplan …``."""
    app = typer.Typer(help="Waybell's part of Asterisk's dialplan.", no_args_is_help=True)
    app.callback()(lambda: None)
    app.command("install")(install_command)
    return app


def init_command(
    config: Config = None,
    force: Annotated[bool, typer.Option("--force", help="write the file anew; the old one is kept beside it")] = False,
) -> None:
    """Writes a commented configuration and prepares the store. What is there already is kept."""
    try:
        done = initialise(config, force=force, settings_of=settings_for_command)
    except InitError as error:
        _fail(error)
    for line in (*done.lines, *_next_steps(done)):
        print(line)


def install_command(
    to: Annotated[Path, typer.Option("--to", help="Asterisk's configuration directory")] = ASTERISK_CONFIG,
    sounds: Annotated[Path | None, typer.Option(help="Asterisk's sounds; else as asterisk.conf says")] = None,
    languages: Languages = LANGUAGES,
) -> None:
    """Copies the dialplan, the event log's samples and the prompts to Asterisk, and says what is left to do."""
    try:
        done = install_dialplan(to)
    except InstallError as error:
        _fail(error)
    for file in done:
        print(f"{file.path}: {file.what}")
    _try_prompts(sounds or sounds_folder(to), languages)
    for number, step in enumerate(_left(to, done), start=1):
        print(f"{number}. {step}")


def prompts_command(
    to: Annotated[Path, typer.Option("--to", help="Asterisk's sounds directory")],
    languages: Languages = LANGUAGES,
    force: Annotated[bool, typer.Option("--force", help="make those again that are up to date")] = False,
) -> None:
    """Makes the spoken prompts. Recordings of your own are never touched."""
    try:
        made = make_prompts(to, _split(languages), force=force)
    except PromptsError as error:
        _fail(error)
    print(f"{to}: {len(made)} prompts made")


def _try_prompts(sounds: Path, languages: str) -> None:
    """Without prompts calls are still put through; only the menu is silent."""
    try:
        made = make_prompts(sounds, _split(languages))
    except PromptsError as error:
        print(f"{sounds}: no prompts were made: {error}; then: {program()} prompts --to {sounds}", file=sys.stderr)
    else:
        print(f"{sounds}: {len(made)} prompts made" if made else f"{sounds}: the prompts are up to date")


def _left(to: Path, done: list[Done]) -> list[str]:
    steps = [file.todo for file in done if file.todo]
    if not is_included(to):
        steps.append(
            f"Add to {to / 'extensions.conf'} (WAYBELL_OFFICE_DIAL takes the calls when no Waybell answers):\n"
            "     [globals]\n"
            "     WAYBELL_AGI = agi://127.0.0.1:4573\n"
            "     WAYBELL_OFFICE_DIAL = PJSIP/500\n"
            "     #include waybell.conf"
        )
    steps.append(
        f"Put into {to / 'pjsip.conf'}, at the endpoint of every trunk (else a number that must stay hidden is\n"
        "   shown in mid-call, and who calls from outside can send a call elsewhere):\n"
        + "\n".join(f"     {line}" for line in _TRUNK)
    )
    commands = ("module reload res_pjsip.so", "module reload cel", "module load cel_custom.so")
    reload = ", ".join(f'asterisk -rx "{command}"' for command in commands)
    return [*steps, f"Run: {_RELOAD}, {reload}", f"Run: {_check(SYSTEM_CONFIG.exists())}"]


def _next_steps(done: Initialised) -> list[str]:
    service = data_dir("dialplan") / _SERVICE
    steps = [
        *done.todo,
        f"Set crm.url, calls.company_number and calls.office in {done.config}",
        "Switch Asterisk's HTTP server on, for this machine only: in [general] of http.conf enabled = yes, "
        "bindaddr = 127.0.0.1",
        f"Put the user into ari.conf: [{done.ari_user}], type = user, password = the one in {done.config} under [ari]; "
        "in [general] enabled = yes",
        f"Run: {program()} dialplan install",
        f"Run: {_install_unit(service)} && systemctl daemon-reload && systemctl enable --now waybell",
        f"Run: {_check(done.config.is_relative_to(SYSTEM_CONFIG.parent))}",
    ]
    return ["", "What to do next:", *(f"{number}. {step}" for number, step in enumerate(steps, start=1))]


def _check(is_service: bool) -> str:
    """Root may read what the service may not, so a service is checked as its user."""
    return f"sudo -u {USER} {program()} check" if is_service else f"{program()} check"


def _install_unit(service: Path) -> str:
    if Path(_UNIT_PROGRAM).exists():
        return f"cp {service} /etc/systemd/system/"
    return f"sed 's|{_UNIT_PROGRAM}|{program()}|' {service} > /etc/systemd/system/{service.name}"


def _split(languages: str) -> list[str]:
    return [language.strip() for language in languages.split(",") if language.strip()]


def _fail(error: Exception) -> typer.Exit:
    print(f"waybell: {error}", file=sys.stderr)
    sys.exit(_FAILED)
