"""The caller's name and number as Asterisk reads them from one text: ``"name" <number>``."""

from __future__ import annotations

import re
import unicodedata

_LONGEST_NAME = 60
_LONGEST_NUMBER = 32
_NOT_NUMBER = re.compile(r"[^0-9+*#]")
# Asterisk's own syntax, and what a SIP header, a dialplan variable or a terminal could take for theirs.
_SYNTAX = str.maketrans(dict.fromkeys('"<>\\${}[]`;|', " "))
_CONTROL = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def caller_id(name: str, number: str) -> str:
    """Any text is safe here: what could be syntax is left out. Empty when nothing is left of either."""
    name, number = clean_name(name), _NOT_NUMBER.sub("", number)[:_LONGEST_NUMBER]
    if not name and not number:
        return ""
    return f'"{name}" <{number}>'


def clean_name(name: str) -> str:
    """``name`` in one line of letters, digits and harmless marks, of 60 characters at most."""
    shown = "".join(" " if unicodedata.category(letter) in _CONTROL else letter for letter in name[:1000])
    return " ".join(shown.translate(_SYNTAX).split())[:_LONGEST_NAME].strip()
