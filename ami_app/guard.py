"""Guessing passwords is slow: each failure of an address makes its next attempt wait longer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network

from ami_app.users import Address

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 8.0
_FORGOTTEN_SECONDS = 900.0
_REMEMBERED = 1024


@dataclass(slots=True)
class _Past:
    failures: int
    failed_at: float
    free_at: float


class Guard:
    """Says how long an attempt to log in must wait, by the peer's address (IPv6: by its /64).

    Attempts of one address are looked at one after another, however many connections they come from: after one
    failure half a second apart, then 1, 2, 4, 8 seconds. One that would wait longer than 8 seconds is not looked at
    at all. Fifteen minutes without a failure, or one success, forget it. Times are seconds of any one clock that only
    goes forward; as many as 1,024 addresses are remembered, those that failed last.
    """

    def __init__(self) -> None:
        self._past: OrderedDict[str, _Past] = OrderedDict()

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._past)

    def wait(self, address: Address, now: float) -> float | None:
        """The seconds that an attempt has to wait, which are then taken; ``None``: it must not be looked at."""
        past = self._past.get(_key(address))
        if past is None or now - past.failed_at > _FORGOTTEN_SECONDS:
            return 0.0
        seconds = max(0.0, past.free_at - now)
        if seconds > _LONGEST_SECONDS:
            return None
        past.free_at = now + seconds + _gap(past.failures)
        return seconds

    def failed(self, address: Address, now: float) -> None:
        """An attempt failed."""
        key = _key(address)
        past = self._past.pop(key, None)
        if past is None or now - past.failed_at > _FORGOTTEN_SECONDS:
            past = _Past(0, now, now)
        past.failures += 1
        past.failed_at = now
        past.free_at = max(past.free_at, now + _gap(past.failures))
        self._past[key] = past
        if len(self._past) > _REMEMBERED:
            self._past.popitem(last=False)

    def succeeded(self, address: Address) -> None:
        """An attempt succeeded."""
        self._past.pop(_key(address), None)


def _gap(failures: int) -> float:
    return min(_FIRST_SECONDS * 2.0 ** min(failures - 1, 16), _LONGEST_SECONDS)


def _key(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)
