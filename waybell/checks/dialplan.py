"""Waybell's dialplan in the running Asterisk: included, and as new as this Waybell."""

from __future__ import annotations

import re
from pathlib import Path

from waybell.checks.access import is_there
from waybell.checks.findings import Finding, Site, failed, ok, warning
from waybell.checks.pbx import Pbx, PbxError
from waybell.resources import data_dir

CHECK = "dialplan"
FILE = "waybell.conf"
_ENTRY = ("s", "waybell-incoming")
_RELOAD = 'asterisk -rx "dialplan reload"'
_EXTENSION = re.compile(r"exten\s*=>?\s*([^_>\s,][^,]*?)\s*,\s*1\s*,")


async def check_dialplan(site: Site, pbx: Pbx) -> list[Finding]:
    """Asks for every extension of our own file whose name is no pattern."""
    ours = (data_dir("dialplan") / FILE).read_text("utf-8")
    try:
        if not await pbx.extension_exists(*_ENTRY):
            return [_not_included(site.asterisk_config)]
        missing = [place for place in named_extensions(ours) if not await pbx.extension_exists(*place)]
    except PbxError as error:
        return [failed(CHECK, f"cannot be looked at: {error.problem}", error.remedy)]
    if missing:
        names = ", ".join(f"{extension}@{context}" for extension, context in missing)
        return [failed(CHECK, f"another version of {FILE} is loaded, without {names}", _update(site.asterisk_config))]
    return [ok(CHECK, f"{FILE} is loaded: waybell-incoming takes calls"), *_on_disk(site.asterisk_config, ours)]


def named_extensions(text: str) -> list[tuple[str, str]]:
    """(extension, context) of every extension in ``text`` that is no pattern."""
    context, found = "", list[tuple[str, str]]()
    for line in text.splitlines():
        if section := re.match(r"\[([^\]]+)\]", line):
            context = section[1]
        elif extension := _EXTENSION.match(line):
            found.append((extension[1], context))
    return found


def _not_included(config: Path) -> Finding:
    first = "" if is_there(config / FILE) else f"run: waybell dialplan install --to {config}; "
    return failed(
        CHECK,
        "the context waybell-incoming is not loaded: no call can come to Waybell",
        f"{first}put #include {FILE} into extensions.conf, then: {_RELOAD}",
    )


def _update(config: Path) -> str:
    return f"waybell dialplan install --to {config}, then: {_RELOAD}"


def _on_disk(config: Path, ours: str) -> list[Finding]:
    file = config / FILE
    try:
        same = file.read_text("utf-8", "replace") == ours
    except OSError:
        return []
    return [] if same else [warning(CHECK, f"{file} is not the one of this Waybell", _update(config))]
