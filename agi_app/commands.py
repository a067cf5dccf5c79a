"""AGI commands as lines that Asterisk reads as exactly one command with exactly these words.

Asterisk reads a command into 8192 bytes: the tail of a longer line would run as a **new command**, and so would
what follows a line feed. Its ``parse_args`` writes to an array of 128 words, the last of which must stay empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agi_app.events import LocalProtocolError

LONGEST_LINE = 8190
"""Bytes of a command without its line feed."""

MOST_WORDS = 127
"""Words of a command, its name's own words among them."""

_NAME = re.compile(r"[A-Z]+(?: [A-Z]+)*")
_VARIABLE = re.compile(r"_{0,2}[A-Za-z]\w*", re.ASCII)
_FORBIDDEN = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its ``line`` as sent, line feed included.

    ``returns_text`` says that the reply holds a text in round brackets that may have line feeds in it
    (``GET VARIABLE``); the text then ends at the first ``)`` that ends a line.
    """

    line: bytes
    returns_text: bool = False


def command(name: str, *arguments: str, returns_text: bool = False) -> Command:
    """The command ``name`` (``"SET VARIABLE"``) with its arguments, each in quotes.

    Raises :class:`LocalProtocolError` for what Asterisk would read as something else: CR, LF or NUL in an argument,
    more than :data:`MOST_WORDS` words, more than :data:`LONGEST_LINE` bytes, a name that is not capital letters.
    """
    if not _NAME.fullmatch(name):
        raise LocalProtocolError(f"AGI command name {name!r} is not words of capital letters")
    if name.count(" ") + 1 + len(arguments) > MOST_WORDS:
        raise LocalProtocolError(f"AGI command {name} has over {MOST_WORDS} words; send fewer arguments")
    text = " ".join([name, *(_quote(name, argument) for argument in arguments)])
    line = _encode(name, text)
    if len(line) > LONGEST_LINE:
        why = f"Asterisk takes {LONGEST_LINE} and would run the rest as a command"
        raise LocalProtocolError(f"AGI command {name} has {len(line)} bytes; {why}")
    return Command(line + b"\n", returns_text)


def set_variable(name: str, value: str) -> Command:
    """``SET VARIABLE``. ``name`` is a plain variable, inherited with ``_`` or ``__``: functions can write files."""
    return command("SET VARIABLE", _variable(name), value)


def get_variable(name: str) -> Command:
    """``GET VARIABLE``. ``name`` is a plain variable: functions such as ``SHELL()`` run programs.

    Asterisk cuts the value after 1023 bytes.
    """
    return command("GET VARIABLE", _variable(name), returns_text=True)


def verbose(message: str, level: int = 1) -> Command:
    """``VERBOSE``: writes ``message`` to Asterisk's console from verbosity ``level`` (1–4) on."""
    return command("VERBOSE", message, str(level))


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise LocalProtocolError(f"{name!r} is not the name of a dialplan variable (letters, digits, _)")
    return name


def _quote(name: str, argument: str) -> str:
    found = _FORBIDDEN.search(argument)
    if found:
        raise LocalProtocolError(f"AGI command {name} has {found.group()!r} in an argument; remove it")
    if '"' in argument or "\\" in argument:
        argument = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{argument}"'


def _encode(name: str, text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"AGI command {name} has a character that UTF-8 lacks: {error}") from error
