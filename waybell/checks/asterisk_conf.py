"""Asterisk's configuration files, read as far as the checks need it: sections with their keys.

``#include`` is not followed. A template's keys are not put into the sections that use it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

Sections = Mapping[str, Mapping[str, str]]

_LONGEST = 1 << 20
_SECTION = re.compile(r"\[([^\]]+)\]")
_SETTING = re.compile(r"([^=]+?)\s*=>?\s*(.*)")
_BLOCK_COMMENT = re.compile(r";--(?!-).*?--;", re.DOTALL)
# A semicolon begins a comment unless a backslash stands before it.
_COMMENT = re.compile(r"(?<!\\);.*")
_YES = frozenset({"yes", "true", "y", "t", "1", "on"})


def read_conf(path: Path) -> Sections:
    """Section → key (in lower case) → last value. Raises :class:`OSError`."""
    with path.open("rb") as file:
        return parse_conf(file.read(_LONGEST).decode("utf-8", "replace"))


def parse_conf(text: str) -> Sections:
    """As :func:`read_conf`; a line that is neither a section nor a setting is passed over, as Asterisk does."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for raw in _BLOCK_COMMENT.sub("", text).splitlines():
        line = _COMMENT.sub("", raw).strip()
        if found := _SECTION.match(line):
            current = sections.setdefault(found[1].strip(), {})
        elif found := _SETTING.fullmatch(line):
            current[found[1].strip().lower()] = found[2].replace("\\;", ";").strip()
    return sections


def is_yes(value: str) -> bool:
    """Whether Asterisk takes ``value`` for a yes."""
    return value.strip().lower() in _YES
