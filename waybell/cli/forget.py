"""``waybell forget NUMBER``: a person goes from all that Waybell holds; the totals stay."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from waybell import numbers, wiring
from waybell.cli.options import AsJson, Config, console, print_json, settings_for_command
from waybell.keeping.forgetting import forget
from waybell.recordings.sounds import UnavailableError
from waybell.settings import Settings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

_USAGE = 2


def forget_command(
    number: Annotated[str, typer.Argument(help="a telephone number in any spelling")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask; nothing brings back what is erased")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Erases a person from all that Waybell holds, for good; how many calls there were stays."""
    settings = settings_for_command(config)
    digits = numbers.parse(number, wiring.number_plan(settings)).digits
    if not digits:
        print(f"waybell: forget: {number!r} is no telephone number", file=sys.stderr)
        sys.exit(_USAGE)
    if not yes and not typer.confirm(f"Erase +{digits} from all that Waybell holds? Nothing brings it back"):
        sys.exit(1)
    out = console()
    shown = (lambda _kind, _rows: None) if as_json else (lambda kind, rows: out.print(f"{kind}: {rows}", markup=False))
    try:
        done = asyncio.run(_forget(settings, digits, shown))
    except UnavailableError as error:
        print(
            f"waybell: forget: recordings cannot be deleted ({error}); see that recordings.url may be written and "
            "repeat the command. Until then calls that are there still name this person, new ones do not",
            file=sys.stderr,
        )
        sys.exit(1)
    if as_json:
        print_json({"number": digits, "erased": done})
        return
    out.print(f"+{digits} is forgotten: " + ", ".join(f"{rows} {kind}" for kind, rows in done.items()), markup=False)
    out.print(
        f"Asterisk's own files ({settings.cel.path} and the rotated ones) are not Waybell's to change: see how long "
        "they are kept. Read again, they give the calls without this number.",
        markup=False,
        soft_wrap=True,
    )


async def _forget(settings: Settings, digits: str, progress: object) -> dict[str, int]:
    assert callable(progress)
    engine = make_engine(settings.store.url)
    try:
        await migrate(engine)
        return await forget(engine, digits, wiring.erasers(settings), now=datetime.now(UTC), progress=progress)
    finally:
        await engine.dispose()
