"""Parts of a file over HTTP (RFC 9110, 14): what ``Range`` and ``If-Range`` ask for. Pure."""

from __future__ import annotations

import re

_ONE = re.compile(r"bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})", re.IGNORECASE | re.ASCII)


class UnsatisfiableError(ValueError):
    """The range begins behind the end of the file."""


def part_of(size: int, range_: str, if_range: str, etag: str) -> tuple[int, int] | None:
    """(first byte, behind the last) of what is asked for; ``None``: the whole file.

    Several ranges at once, and what is no range of bytes, ask for the whole file: that is always allowed. So does a
    range of another version of the file than this one (``etag``, in quotes). Raises :class:`UnsatisfiableError`.
    """
    found = _ONE.fullmatch(range_.strip())
    if found is None or found[1] == found[2] == "" or (if_range and if_range.strip() != etag):
        return None
    if found[1] == "":
        length = min(int(found[2]), size)
        if length == 0:
            raise UnsatisfiableError
        return size - length, size
    first, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if found[2] and last < first:
        return None
    if first >= size:
        raise UnsatisfiableError
    return first, min(last + 1, size)
