"""Where settings come from: one TOML file, and the environment over it. Errors name the place and what is allowed."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from waybell.settings import Settings

PREFIX = "WAYBELL_"
_PLACES = ("/etc/waybell/waybell.toml", "waybell.toml")


class SettingsError(Exception):
    """The settings cannot be used; one line that names the place, the key and what is allowed."""


def load_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of ``path``, else ``$WAYBELL_CONFIG``, else ``/etc/waybell/waybell.toml``, else ``./waybell.toml``,
    with ``WAYBELL_<SECTION>__<KEY>`` over each. Raises :class:`SettingsError`.
    """
    file = path or _found(environ)
    document = _read(file) if file else {}
    variables = _variables(environ)
    for (section, key), (_, text) in variables.items():
        part = document.setdefault(section, {})
        if isinstance(part, dict):
            part[key] = _value(section, key, text)
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise SettingsError(_line(error.errors()[0], file, variables)) from None


def _found(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get(PREFIX + "CONFIG"):
        return Path(named)
    return next((place for place in map(Path, _PLACES) if _is_there(place)), None)


def _is_there(place: Path) -> bool:
    try:
        return place.is_file()
    except PermissionError:
        return True  # in a folder closed to us: reading it says so


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        denied = isinstance(error, PermissionError)
        todo = "run it as root or as the user waybell" if denied else "write one with: waybell init"
        raise SettingsError(f"{file}: cannot be read: {error.strerror}; {todo}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: is not TOML: {error}") from error


def _variables(environ: Mapping[str, str]) -> dict[tuple[str, str], tuple[str, str]]:
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for name, text in environ.items():
        section, double, key = name.removeprefix(PREFIX).partition("__")
        if name.startswith(PREFIX) and double:
            found[section.lower(), key.lower()] = (name, text)
    return found


def _value(section: str, key: str, text: str) -> Any:
    """A list is written as JSON or with commas; everything else is text that pydantic converts."""
    if "tuple" not in _annotation(section, key):
        return text
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _annotation(section: str, key: str) -> str:
    model = Settings.model_fields.get(section)
    kind = model.annotation if model else None
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)) or key not in kind.model_fields:
        return ""
    return str(kind.model_fields[key].annotation)


def _line(error: ErrorDetails, file: Path | None, variables: Mapping[tuple[str, str], tuple[str, str]]) -> str:
    where = [str(part) for part in error["loc"]]
    own = [name for at, (name, _) in variables.items() if _is_meant(at, where, error["msg"])]
    place = own[0] if own else str(file or "settings")
    key = ".".join(where[: 3 if len(where) > 1 and where[1].isdigit() else 2])
    if error["type"] == "extra_forbidden":
        return f"{place}: {key}: unknown {'key' if len(where) > 1 else 'section'}; allowed: {_allowed(where)}"
    message = error["msg"].removeprefix("Value error, ")
    named = " ".join(where)  # also of a list's table: webhooks.0.secret
    secret = any(word in named for word in ("password", "secret", "url")) or isinstance(error["input"], dict)
    shown = "" if secret else f" (got {repr(error['input'])[:80]})"
    return " ".join(": ".join(filter(None, (place, key, message + shown))).split())


def _is_meant(variable: tuple[str, str], where: list[str], message: str) -> bool:
    """Whether the error is that variable's; one about keys that do not go together says which in its message."""
    section, key = variable
    if not where:
        return f"{section}.{key}" in message
    if len(where) > 1:
        return [section, key] == where[:2]
    return section == where[0] and (section not in Settings.model_fields or f"{key}:" in message)


def _allowed(where: list[str]) -> str:
    if len(where) == 1:
        return ", ".join(Settings.model_fields)
    section = Settings.model_fields[where[0]].annotation
    return ", ".join(section.model_fields) if isinstance(section, type) and issubclass(section, BaseModel) else ""
