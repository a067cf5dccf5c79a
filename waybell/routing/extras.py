"""What a call may have beyond being put through: a recording, and a question afterwards how it was. Rules as values.

A rule looks at a call's marks: ``all``, the kind of person who calls (``recipient``, ``courier``, ``client``,
``employee``, ``unknown``), the line it came in by (the number dialled, digits only); for a call that Waybell places
``callback`` or ``click``, the kind of the other side and ``line:`` with the name of a line it goes out by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

ALL = "all"
UNKNOWN = "unknown"

_ID = re.compile(r"(20[0-9]{2})([01][0-9])([0-3][0-9])-[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Rule:
    """Calls with one of ``marks`` and none of ``spared``. Without marks it is no call."""

    marks: frozenset[str] = frozenset()
    spared: frozenset[str] = frozenset()

    def takes(self, marks: Iterable[str]) -> bool:
        """Whether a call with ``marks`` is one of them; ``all`` need not be among its marks."""
        if not self.marks:
            return False
        has = {ALL, *marks}
        return not self.marks.isdisjoint(has) and self.spared.isdisjoint(has)


NO_CALL = Rule()


@dataclass(frozen=True, slots=True)
class Extras:
    """``recorded``: which calls are; ``announced``: whoever is recorded hears so first. ``rated``: which callers are
    asked; ``comment_seconds``: the longest spoken comment, 0 for none. ``new_id``: what is recorded now is called so.
    ``may_ask``: this caller was not asked lately.
    """

    recorded: Rule = NO_CALL
    announced: bool = True
    rated: Rule = NO_CALL
    rating_seconds: int = 6
    comment_seconds: int = 0
    new_id: str = ""
    may_ask: bool = True


NO_EXTRAS = Extras()


def recording_id(now: datetime, random: str) -> str:
    """The id of a recording begun ``now`` (UTC): its day and 20 hexadecimal digits of chance."""
    return f"{now:%Y%m%d}-{random}"


def recording_file(id_: str) -> str:
    """Where the recording ``id_`` is, below the folder of recordings: ``2026/11/22/20261122-….wav``.

    Raises :class:`ValueError` for what :func:`recording_id` did not make: nothing else ever becomes part of a path.
    """
    found = _ID.fullmatch(id_)
    if found is None:
        raise ValueError(f"no recording's id: {id_[:40]!r}")
    return f"{found[1]}/{found[2]}/{found[3]}/{id_}.wav"
