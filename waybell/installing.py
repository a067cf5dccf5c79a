"""Our dialplan, event log samples and prompts, put where Asterisk reads them.

The admin's own files are theirs: of ``cel.conf`` and ``cel_custom.conf`` only what we wrote ourselves is ever replaced,
and ``waybell_custom.conf`` is never written. What we wrote is known by its digests in ``.waybell-installed.json``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from waybell.checks.asterisk_conf import Sections, read_conf
from waybell.config_file import write_atomically
from waybell.resources import data_dir

DIALPLAN = "waybell.conf"
SAMPLES = ("cel.conf", "cel_custom.conf")
MANIFEST = ".waybell-installed.json"
_SUFFIX = ".waybell-sample"
_SOUNDS = "/usr/share/asterisk"


class InstallError(Exception):
    """Something cannot be put in place; one line that names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one file. ``todo`` says what is left for the admin, empty when nothing."""

    path: Path
    what: str
    todo: str = ""


def install_dialplan(target: Path) -> list[Done]:
    """Copies the dialplan and the samples to ``target``, Asterisk's configuration directory.

    A second time changes nothing. Raises :class:`InstallError`.
    """
    if not target.is_dir():
        raise InstallError(f"{target} is no directory; name Asterisk's configuration directory with --to")
    try:
        digests = _read_manifest(target)
        done = [_replace(target / DIALPLAN, digests), *(_sample(target / name, digests) for name in SAMPLES)]
        _write_manifest(target, digests)
        return [*done, *_log_folder(target)]
    except OSError as error:
        raise InstallError(_refused(error, target)) from error


def sounds_folder(target: Path) -> Path:
    """Where the Asterisk of the configuration directory ``target`` looks for sounds."""
    return Path(_directories(target).get("astdatadir", _SOUNDS)) / "sounds"


def is_included(target: Path) -> bool:
    """Whether ``extensions.conf`` in ``target`` includes our dialplan already."""
    try:
        text = (target / "extensions.conf").read_text("utf-8", "replace")
    except OSError:
        return False
    return re.search(rf'^\s*#include\s+["<]?{re.escape(DIALPLAN)}\b', text, re.MULTILINE) is not None


def _replace(path: Path, digests: dict[str, list[str]]) -> Done:
    """The dialplan is ours; a copy is kept of one that somebody else has changed."""
    ours, there = _ours(path.name), _read(path)
    if there == ours:
        what = "is up to date"
    elif there is None or _digest(there) in digests.get(path.name, []):
        write_atomically(path, ours, 0o644)
        what = "written"
    else:
        backup = path.with_name(f"{path.name}.changed")
        shutil.copy2(path, backup)
        write_atomically(path, ours, 0o644)
        what = f"written; it had been changed, the changed one is {backup.name}"
    _remember(digests, path.name, ours)
    return Done(path, what)


def _sample(path: Path, digests: dict[str, list[str]]) -> Done:
    ours, there = _ours(path.name), _read(path)
    _remember(digests, path.name, ours)
    if there == ours:
        return Done(path, "is up to date")
    if there is None or _digest(there) in digests[path.name]:
        write_atomically(path, ours, 0o644)
        return Done(path, "written")
    sample = path.with_name(path.name + _SUFFIX)
    if _read(sample) != ours:
        write_atomically(sample, ours, 0o644)
    todo = f"if nothing else uses the event log: cp {sample} {path}; else put its settings into yours"
    return Done(path, f"is yours and was left alone; ours is {sample.name}", todo)


def _log_folder(target: Path) -> Iterator[Done]:
    """``cel-custom`` under the log directory, which Asterisk does not make by itself."""
    logs = Path(_directories(target).get("astlogdir", "/var/log/asterisk"))
    folder = logs / "cel-custom"
    if folder.is_dir() or not logs.is_dir():
        return
    folder.mkdir(mode=0o750)
    owner = logs.stat()
    if os.geteuid() == 0:
        os.chown(folder, owner.st_uid, owner.st_gid)
    yield Done(folder, "made")


def _directories(target: Path) -> dict[str, str]:
    try:
        conf: Sections = read_conf(target / "asterisk.conf")
    except OSError:
        return {}
    return dict(conf.get("directories", {}))


def _ours(name: str) -> str:
    return (data_dir("dialplan") / name).read_text("utf-8")


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _remember(digests: dict[str, list[str]], name: str, text: str) -> None:
    digests[name] = list(dict.fromkeys([_digest(text), *digests.get(name, [])]))


def _read_manifest(target: Path) -> dict[str, list[str]]:
    """A damaged one counts as none: then what lies there is taken for the admin's, which is the safe side."""
    try:
        found = json.loads(_read(target / MANIFEST) or "{}")
        return {str(name): [str(digest) for digest in digests] for name, digests in found.items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def _write_manifest(target: Path, digests: dict[str, list[str]]) -> None:
    text = json.dumps(digests, indent=1, sort_keys=True) + "\n"
    if _read(target / MANIFEST) != text:
        write_atomically(target / MANIFEST, text, 0o644)


def _refused(error: OSError, target: Path) -> str:
    place = error.filename or target
    remedy = "run it with sudo" if isinstance(error, PermissionError) else "see that the disk is writable and not full"
    return f"{place} cannot be written: {error.strerror}; {remedy}"
