"""The lines that calls go out on: several providers, GSM gateways, SIMs on a network of their own. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from waybell.number_plans import from_e164

_NAME = re.compile(r"[\w-]{1,40}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,15}")
_SHOWN = re.compile(r"\+?[0-9]{1,15}|")
_ACCESS_CODE = re.compile(r"[0-9*#]{0,15}")
# As the settings have it for every dial string: no "&", "," or "(" that the dialplan would take for syntax.
_DIAL = re.compile(r"[\w/@.:+-]+", re.ASCII)
_LONGEST_DIAL = 100
_NUMBER = "{number}"


@dataclass(frozen=True, slots=True)
class Line:
    """One way out. ``dial`` is a template, ``PJSIP/{number}@trunk``; ``access_code`` is put before the number there.

    ``shown`` is the number that the called see. It takes numbers of its ``regions`` (ISO 3166) and those that begin
    with one of its ``prefixes`` (E.164 digits); without either, all. ``at_once``: the most calls it can hold. Raises
    :class:`ValueError` with one line that says what is allowed.
    """

    name: str
    dial: str
    shown: str = ""
    regions: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    at_once: int = 30
    access_code: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"line {self.name[:40]!r} must be called by up to 40 letters, digits, - and _")
        rest = self.dial.replace(_NUMBER, "", 1)
        if rest == self.dial or not _DIAL.fullmatch(rest) or len(self.dial) > _LONGEST_DIAL:
            raise ValueError(f"line {self.name}: dial must be a dial string that holds {_NUMBER} once")
        if not _SHOWN.fullmatch(self.shown):
            raise ValueError(f"line {self.name}: shown must be the digits of a number")
        if not all(map(_DIGITS.fullmatch, self.prefixes)):
            raise ValueError(f"line {self.name}: prefixes must be the first digits of numbers, without a plus")
        if not _ACCESS_CODE.fullmatch(self.access_code):
            raise ValueError(f"line {self.name}: access_code must be digits, * or #")
        if self.at_once < 0:
            raise ValueError(f"line {self.name}: at_once must be 0 or more")

    @property
    def takes_all(self) -> bool:
        """Whether it takes every number."""
        return not self.regions and not self.prefixes


def lines_for(digits: str, region: str, lines: Iterable[Line], fallback: Line | None = None) -> tuple[Line, ...]:
    """The lines to try in turn for ``digits`` (E.164) of ``region``; ``fallback`` when none of ``lines`` takes them.

    Those with the longest prefix come first, then those of the region, then those that take all; among equals the
    order of the settings.
    """
    ranked = [(rank, line) for line in lines if (rank := _rank(line, digits, region)) is not None]
    if not ranked and fallback is not None:
        return (fallback,)
    return tuple(line for _, line in sorted(ranked, key=lambda pair: pair[0]))


def pick(lines: Iterable[Line], in_use: Mapping[str, int]) -> Line | None:
    """The first of ``lines`` with room for one call more; ``in_use`` counts calls by the line's name."""
    return next((line for line in lines if in_use.get(line.name, 0) < line.at_once), None)


def after(lines: tuple[Line, ...], failed: str) -> tuple[Line, ...]:
    """What is left to try of ``lines`` when ``failed`` did not get through; nothing if it is none of them."""
    names = [line.name for line in lines]
    return lines[names.index(failed) + 1 :] if failed in names else ()


def dial_string(line: Line, digits: str) -> str:
    """What Asterisk dials. Raises :class:`ValueError` for anything but up to 15 ASCII digits."""
    if not _DIGITS.fullmatch(digits):
        raise ValueError(f"{digits[:40]!r} must be up to 15 digits")
    return line.dial.replace(_NUMBER, line.access_code + digits)


def region_of(digits: str) -> str:
    """The region (ISO 3166) of E.164 ``digits``; empty for a short number or an extension."""
    number = from_e164(digits)
    return number.region if number else ""


def _rank(line: Line, digits: str, region: str) -> tuple[int, int] | None:
    """The smaller the better; ``None``: the line does not take this number."""
    longest = max((len(prefix) for prefix in line.prefixes if digits.startswith(prefix)), default=0)
    if longest:
        return 0, -longest
    if region in line.regions:
        return 1, 0
    return (2, 0) if line.takes_all else None
