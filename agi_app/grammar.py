"""The two texts Asterisk sends: an environment, and a reply. Pure functions of complete texts."""

from __future__ import annotations

import re

from agi_app.events import Environment, RemoteProtocolError, Reply, Trying
from agi_app.limits import Limits

START = b"agi_"
"""How every environment starts, whoever speaks: anything else is no FastAGI."""

_VARIABLE = re.compile(r"^(agi_[a-z0-9_]+): ([^\n\0]*)$", re.MULTILINE)
_ARGUMENTS = tuple(f"agi_arg_{number}" for number in range(1, 129))
_REQUEST = "agi_request"
_SHOWN = 60


def parse_environment(data: bytes, limits: Limits) -> Environment:
    """``data``: all lines of an environment, each with its line feed, without the empty line.

    Strict, because a caller's number may hold line feeds: every line is a variable, none comes twice, the arguments
    are the last ones in their order. Else :class:`RemoteProtocolError`.
    """
    lines = _VARIABLE.findall(data.decode("utf-8", "surrogateescape"))
    variables: dict[str, str] = dict(lines)
    if not len(variables) == len(lines) == data.count(b"\n"):
        raise RemoteProtocolError("the AGI environment has a line twice, or one that is not 'agi_name: value'")
    if len(lines) > limits.max_variables:
        raise RemoteProtocolError(f"the AGI environment has over {limits.max_variables} lines")
    if len(data) > limits.max_line_bytes and max(map(len, data.split(b"\n"))) > limits.max_line_bytes:
        raise RemoteProtocolError(f"a line of the AGI environment has over {limits.max_line_bytes} bytes")
    if _REQUEST not in variables:
        raise RemoteProtocolError(f"the AGI environment ended before {_REQUEST}")
    path, _, query = _route(variables).partition("?")
    return Environment(variables, _arguments(data, variables), path, query)


def _route(variables: dict[str, str]) -> str:
    """``step`` of ``agi://host:port/step``. Asterisk gives it in a line of its own; other clients may not."""
    if "agi_network_script" in variables:
        return variables["agi_network_script"]
    return variables[_REQUEST].partition("://")[2].partition("/")[2]


def _arguments(data: bytes, variables: dict[str, str]) -> tuple[str, ...]:
    count = data.count(b"\nagi_arg_")
    names = _ARGUMENTS[:count]
    if tuple(variables)[len(variables) - count :] != names:
        raise RemoteProtocolError("the arguments in the AGI environment are not its last lines in their order")
    return tuple([variables[name] for name in names])


def parse_reply(data: bytes) -> Reply | Trying:
    """``data``: one whole reply without its last line feed. Else :class:`RemoteProtocolError`."""
    text = data.decode("utf-8", "surrogateescape")
    code, rest = text[:3], text[4:]
    if not (code.isascii() and code.isdigit() and text[3:4] in {" ", "-"}):
        raise RemoteProtocolError(f"expected an AGI reply, got {text[:_SHOWN]!r}")
    if code[0] == "1":
        return Trying()
    if code[0] != "2":
        return Reply(int(code), "", None, rest)
    if not rest.startswith("result="):
        raise RemoteProtocolError(f"AGI reply without a result: {text[:_SHOWN]!r}")
    result, _, tail = rest[len("result=") :].partition(" ")
    return Reply(int(code), result, *_value_and_text(tail))


def _value_and_text(tail: str) -> tuple[str | None, str]:
    before, opened, after = tail.partition("(")
    if not opened:
        return None, tail
    # A value may hold brackets: it runs to the end of the text if that ends it, else `endpos=…` follows it.
    end = len(after) - 1 if after.endswith(")") else after.find(")")
    if end < 0:
        raise RemoteProtocolError(f"AGI reply with an open bracket: {tail[:_SHOWN]!r}")
    return after[:end], (before.rstrip() + after[end + 1 :]).strip()
