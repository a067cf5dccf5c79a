"""An impatient double tap is one call: the key that both taps have."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_ONE_CALL = timedelta(seconds=60)
_REMEMBERED = 4096


def _now() -> datetime:
    return datetime.now(UTC)


class Taps:
    """Keys of the calls asked for: both numbers and the minute of UTC.

    A minute ends between two taps now and then. So what was asked for less than 60 seconds ago keeps its key, in this
    process; taps that reach two of them share it within the minute. As many as 4,096 are remembered.
    """

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        """``clock`` gives the time of day, with zone."""
        self._clock = clock
        self._asked: OrderedDict[tuple[str, str, str], tuple[str, datetime]] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._asked)

    def key(self, user: str, caller: str, to: str) -> str:
        """The idempotency key of ``user``'s wish that the phone ``caller`` be joined with ``to``."""
        now = self._clock().astimezone(UTC)
        wish = (user, caller.lstrip("+"), to.lstrip("+"))
        before = self._asked.pop(wish, None)
        # The clock may have been set back by a little between two taps.
        if before is None or not -_ONE_CALL < now - before[1] < _ONE_CALL:
            before = (f"{wish[1]}>{wish[2]}@{now:%Y-%m-%dT%H:%MZ}", now)
        self._asked[wish] = before
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        return before[0]
