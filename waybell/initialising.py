"""A first configuration, and the store made ready by it."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from waybell.checks.store import explain_store
from waybell.config_file import config_text, new_password, write_atomically
from waybell.settings import Settings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

SYSTEM_CONFIG = Path("/etc/waybell/waybell.toml")
SYSTEM_DATA = Path("/var/lib/waybell")
USER = "waybell"
_SQLITE = "sqlite+aiosqlite:///"


class InitError(Exception):
    """The configuration or the store cannot be made; one line that names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Initialised:
    """``lines`` say what was done; ``todo`` what is left because of how it was done."""

    config: Path
    lines: tuple[str, ...]
    todo: tuple[str, ...]
    ari_user: str


def initialise(config: Path | None, *, force: bool, settings_of: Callable[[Path | None], Settings]) -> Initialised:
    """Writes ``config`` unless it is there, and runs the store's migrations by it.

    A file that is there is kept; ``force`` writes it anew and keeps the old one beside it. Nothing secret is printed.
    Raises :class:`InitError`, and what ``settings_of`` raises for a file that is there and wrong.
    """
    path = (config or default_config()).absolute()
    written = _write(path, force=force)
    settings = settings_of(path)
    prepared = _prepare(settings.store.url)
    todo = _hand_over([path, *_store_files(settings.store.url)]) if path.is_relative_to(SYSTEM_CONFIG.parent) else ()
    return Initialised(path, (written, prepared), todo, settings.ari.user)


def default_config() -> Path:
    """``$WAYBELL_CONFIG``, else for root ``/etc/waybell/waybell.toml``, for everybody else ``./waybell.toml``."""
    if named := os.environ.get("WAYBELL_CONFIG"):
        return Path(named)
    return SYSTEM_CONFIG if os.geteuid() == 0 else Path(SYSTEM_CONFIG.name)


def _write(path: Path, *, force: bool) -> str:
    if path.exists() and not force:
        return f"{path} is there already and is kept (--force writes it anew)"
    text = config_text(_chosen(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = _keep(path)
        write_atomically(path, text, 0o600)
    except OSError as error:
        raise InitError(
            f"{error.filename or path} cannot be written: {error.strerror}; run it with sudo, or choose with --config"
        ) from error
    return f"{path} written{kept}; a new ARI password stands in it"


def _chosen(path: Path) -> dict[str, Any]:
    """What cannot stay a default: a password, and for the service a store that its working directory cannot change."""
    chosen: dict[str, Any] = {"ari.password": new_password()}
    if path.is_relative_to(SYSTEM_CONFIG.parent):
        chosen["store.url"] = f"{_SQLITE}{SYSTEM_DATA / 'waybell.db'}"
    return chosen


def _keep(path: Path) -> str:
    if not path.exists():
        return ""
    old = path.with_name(f"{path.name}.old")
    shutil.copy2(path, old)
    return f", the old one is {old.name}"


def _prepare(url: str) -> str:
    shown = make_url(url).render_as_string(hide_password=True)
    try:
        if url.startswith(_SQLITE):
            Path(url.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
        asyncio.run(_migrate(url))
    except (SQLAlchemyError, OSError) as error:
        problem, remedy = explain_store(error)
        raise InitError(f"{shown}: {problem}; {remedy}, then run waybell init again") from error
    return f"{shown} is ready"


async def _migrate(url: str) -> None:
    engine = make_engine(url)
    try:
        await migrate(engine)
    finally:
        await engine.dispose()


def _store_files(url: str) -> list[Path]:
    """The database with what SQLite keeps beside it, and its folder, which SQLite has to write into."""
    if not url.startswith(_SQLITE):
        return []
    file = Path(url.removeprefix(_SQLITE)).absolute()
    own = [file.parent] if file.parent == SYSTEM_DATA else []
    return [*own, *file.parent.glob(f"{file.name}*")]


def _hand_over(paths: list[Path]) -> tuple[str, ...]:
    """Gives what root made to the service's user."""
    if os.geteuid() != 0:
        return ()
    try:
        account = pwd.getpwnam(USER)
    except KeyError:
        names = " ".join(str(path) for path in paths)
        return (f"Run: useradd --system --home-dir {SYSTEM_DATA} -G asterisk {USER} && chown {USER}: {names}",)
    for path in paths:
        os.chown(path, account.pw_uid, account.pw_gid)
    return ()
