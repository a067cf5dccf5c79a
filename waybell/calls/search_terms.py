"""What a call is found by: its terms. Pure.

A term is a letter that says what it is, and a text: ``n79161234567`` a number, ``wиванов`` a word of a name, ``m199`` a
manager, ``c``, ``k`` and ``p`` the ids of courier, client and parcel. Numbers and words are found by any part of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from waybell.calls.values import Direction, Status
from waybell.people.values import PersonKind

NUMBER, WORD, MANAGER, COURIER, CLIENT, PARCEL = "n", "w", "m", "c", "k", "p"
ALL_CALLS = ""
"""The term of every call. Only its facets are kept: the calls themselves have an index by facets."""
SHORTEST_PART: Final = 3
"""Fewer digits of a number are that whole number: every second number has any two."""
MOST_PART: Final = 16
"""So many first letters of a part are looked for in the index; the rest of it is compared with what is found."""
RATINGS: Final = range(1, 6)

_LONGEST_WORD = 40
_STEP = _LONGEST_WORD - MOST_PART
_STATUSES = {status.value: number for number, status in enumerate(Status)}
_DIRECTIONS = {direction.value: number for number, direction in enumerate(Direction)}
_KINDS: dict[str | None, int] = {None: 0} | {kind.value: number for number, kind in enumerate(PersonKind, 1)}
_OTHER_KIND = len(_KINDS)
_RATINGS = {rating: rating for rating in RATINGS}
_SIZES = (len(_STATUSES), len(_DIRECTIONS), _OTHER_KIND + 1, len(_RATINGS) + 1)


def facets_of(status: str, direction: str, kind: str | None, rating: int | None) -> int:
    """The four as one number, from 0 to some 1,000."""
    digits = (_STATUSES[status], _DIRECTIONS[direction], _KINDS.get(kind, _OTHER_KIND), _RATINGS.get(rating or 0, 0))
    return _number(digits)


@lru_cache(maxsize=256)
def facets_with(status: str, direction: str, kind: str, rating: int | None) -> frozenset[int] | None:
    """Every facets' number that has these; empty text and ``None`` stand for any. ``None``: all have them."""
    if not (status or direction or kind or rating):
        return None
    choices = (
        _chosen(_STATUSES, status, 0),
        _chosen(_DIRECTIONS, direction, 1),
        _chosen(_KINDS, kind, 2),
        _chosen(_RATINGS, rating, 3),
    )
    return frozenset(
        _number((one, two, three, four))
        for one in choices[0]
        for two in choices[1]
        for three in choices[2]
        for four in choices[3]
    )


def words(text: str | None) -> list[str]:
    """The words of ``text`` as they are compared: without case, accents of writing and marks that nobody sees.

    Punctuation and spaces part them; ``ё`` is ``е``. What is neither, such as a smiley, is a letter like any other.
    """
    if not text:
        return []
    if text.isascii():
        folded = text.lower()
        return folded.split() if folded.replace(" ", "").isalnum() else _parted(folded)
    return _parted(unicodedata.normalize("NFKC", text).casefold().replace("ё", "е"))


def names_of(*names: str | None) -> str:
    """The words of all ``names`` in one text, as it is stored with a call."""
    return " ".join(word for name in names for word in words(name))


def managers_of(listed: str | None) -> list[str]:
    """The extensions in a comma-separated list."""
    return [one for one in (listed or "").split(",") if one]


def terms_of(row: Mapping[str, Any]) -> set[str]:
    """Every term of a call's row."""
    found = {NUMBER + row[name] for name in ("caller_number", "answered_number", "dialed") if row[name]}
    for kind, name in ((COURIER, "courier"), (CLIENT, "client"), (PARCEL, "parcel")):
        if row[name]:
            found.add(kind + row[name])
    found.update(MANAGER + one for one in managers_of(row["manager"]))
    for word in (row["names"] or "").split():
        found.update(WORD + piece for piece in _pieces(word))
    return found


def parts_of(term: str) -> Iterator[str]:
    """What of a number or a word is in the index: each ending's first letters. Nothing of other terms."""
    kind, text = term[:1], term[1:]
    if kind in (NUMBER, WORD):
        last = max(1, len(text) - (SHORTEST_PART - 1 if kind == NUMBER else 0))
        for start in range(last):
            yield kind + text[start : start + MOST_PART]


def part_range(kind: str, part: str) -> tuple[str, str]:
    """The indexed parts that begin with ``part`` lie from the first text up to, and without, the second."""
    low = kind + part[:MOST_PART]
    return low, low + "\U0010ffff"


def _chosen(numbers: Mapping[Any, int], wanted: Any, place: int) -> Sequence[int]:
    if not wanted:
        return range(_SIZES[place])
    return [numbers[wanted]] if wanted in numbers else []


def _number(digits: Iterable[int]) -> int:
    number = 0
    for digit, size in zip(digits, _SIZES, strict=True):
        number = number * size + digit
    return number


def _pieces(word: str) -> Iterator[str]:
    """A very long word in pieces that overlap, so that every part of it is in one of them."""
    yield word[:_LONGEST_WORD]
    for start in range(_STEP, len(word) - MOST_PART, _STEP):
        yield word[start : start + _LONGEST_WORD]


def _parted(text: str) -> list[str]:
    return "".join(map(_letter, text)).split()


@lru_cache(maxsize=4096)
def _letter(letter: str) -> str:
    """``letter`` itself, a space for what parts words, nothing for what nobody sees."""
    if letter.isalnum():
        return letter
    category = unicodedata.category(letter)
    if category == "Cf":
        return ""
    return letter if category in ("So", "Mn", "Mc") else " "
