"""The settings as a commented TOML file, written from the model so that the two never disagree."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from waybell.settings import Settings

_HEAD = """\
# Waybell's settings. Each key stands here with its default: take the "#" before a key away to change it.
# A variable WAYBELL_<SECTION>__<KEY> of the environment wins over this file. See what works with: waybell check
"""


def config_text(chosen: Mapping[str, Any]) -> str:
    """The whole file; a key in ``chosen`` (``section.key`` → value) is set, every other one is a comment."""
    return _HEAD + "".join(_section(name, chosen) for name in Settings.model_fields)


def new_password() -> str:
    """For ``ari.password``; nothing in it needs quoting in any file."""
    return secrets.token_urlsafe(24)


def write_atomically(path: Path, text: str, mode: int) -> None:
    """``path`` holds the old text or the new one, never half of it. Raises :class:`OSError`."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    scratch = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _section(name: str, chosen: Mapping[str, Any]) -> str:
    default = getattr(Settings(), name)
    if isinstance(default, tuple):
        return _tables(name)
    lines = [f"\n# {type(default).__doc__}", f"[{name}]", *_keys(name, default, chosen)]
    return "\n".join(lines) + "\n"


def _tables(name: str) -> str:
    """A list of tables: commented out whole, because none is there by itself."""
    kind: type[BaseModel] = get_args(Settings.model_fields[name].annotation)[0]
    lines = [f"\n# {kind.__doc__}", f"# [[{name}]]"]
    for key, field in kind.model_fields.items():
        empty: Any = () if "tuple" in str(field.annotation) else ""
        value = empty if field.is_required() else field.get_default()
        lines.append(f"# {key} = {_toml(value)}  # {field.description}")
    return "\n".join(lines) + "\n"


def _keys(section: str, default: BaseModel, chosen: Mapping[str, Any]) -> Iterator[str]:
    for key, field in type(default).model_fields.items():
        full = f"{section}.{key}"
        yield f"# {field.description}"
        if full in chosen:
            yield f"{key} = {_toml(chosen[full])}"
        else:
            yield f"#{key} = {_toml(getattr(default, key))}"


def _toml(value: Any) -> str:
    """``value`` in TOML; a JSON string, number, truth value or list of them reads the same there."""
    if isinstance(value, SecretStr):
        return _toml(value.get_secret_value())
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(_toml(part) for part in value)}]"
    return json.dumps(value if isinstance(value, (bool, int, float)) else str(value), ensure_ascii=False)
