"""What a FastAGI connection tells: typed events, and the two errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_ENDPOS = re.compile(r"\bendpos=(\d{1,18})\b", re.ASCII)


class ProtocolError(Exception):
    """Somebody broke the FastAGI protocol."""


class LocalProtocolError(ProtocolError):
    """We did: a command that must not be sent, or not in this state. Nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer did. The connection has failed; close it."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A request: what Asterisk said before the first empty line.

    ``variables`` holds every line by its name (``agi_callerid``, …), in the order they came. ``args`` are the
    arguments of ``AGI()``, ``path`` and ``query`` the parts of the route (``agi://host/path?query``), all as sent.
    Nothing in here was checked by anybody: a caller may have chosen it.
    """

    variables: Mapping[str, str]
    args: tuple[str, ...]
    path: str
    query: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command.

    ``code`` 200 has a ``result`` (``"1"``, ``"-1"``; may be empty) and, if there was one, the ``value`` in round
    brackets; ``text`` is what else the line says. Of 510 (unknown command), 511 (dead channel) and 520 (bad syntax)
    only ``text`` is set, all lines of a long one.
    """

    code: int
    result: str
    value: str | None = None
    text: str = ""

    @property
    def endpos(self) -> int | None:
        """Where a media command stopped, in samples; ``None`` when it does not say."""
        found = _ENDPOS.search(self.text)
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Trying:
    """``100``: the command runs, its reply comes later. May come several times."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """The channel hung up. Commands that need no live channel still work."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The peer closed where it may: before its first byte, between commands, or after a hang-up."""


Event = Environment | Reply | Trying | Hangup | Closed
