"""How long a token is good, as people write it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

_SPAN = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def parse_expiry(text: str, now: datetime) -> datetime:
    """When a token made ``now`` expires: ``90d``, ``12h``, ``4w`` from now; ``2026-12-31``, that day still being good;
    or a time of ISO 8601. Without zone it is UTC. :class:`ValueError` says what is allowed.
    """
    try:
        if span := _SPAN.fullmatch(text):
            return now + int(span[1]) * _UNITS[span[2]]
        if _DAY.fullmatch(text):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no expiry; allowed is a span such as 90d, 12h or 4w, a day such as 2026-12-31, or a time "
            "such as 2026-12-31T18:00+03:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
