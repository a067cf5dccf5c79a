"""From a database's values to text: what is cut, and what must not be."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from waybell.people.queries import IDENTIFY_COLUMNS, Query
from waybell.people.rows import LONGEST_TEXT, RowReader
from waybell.people.values import Identity

DESCRIPTION = tuple((column,) for column in IDENTIFY_COLUMNS)


def read(**columns: Any) -> Identity:
    """One row with these values."""
    values = {"kind": "courier", "id": "1"} | columns
    row = tuple(values.get(column) for column in IDENTIFY_COLUMNS)
    [person] = RowReader(Query(Path("own/identify.sql"), ("",), ())).people([row], DESCRIPTION)
    return person


@pytest.mark.parametrize(
    "column", [c for c in IDENTIFY_COLUMNS if c not in ("kind", "courier_phone", "manager_extension")]
)
def test_a_text_is_cut_where_nobody_reads_on(column: str) -> None:
    assert getattr(read(**{column: "я" * 10_000}), column) == "я" * LONGEST_TEXT


def test_a_telephone_number_is_whole_or_none() -> None:
    assert read(courier_phone="7" * LONGEST_TEXT).courier_phone == "7" * LONGEST_TEXT
    assert read(courier_phone="7" * (LONGEST_TEXT + 1)).courier_phone is None


@pytest.mark.parametrize("separator", [",", "; ", " & ", "\n"])
def test_a_list_of_extensions_ends_with_a_whole_one(separator: str) -> None:
    extensions = [str(n) for n in range(10_000, 10_100)]
    found = read(manager_extension=separator.join(extensions)).manager_extension or ""
    assert LONGEST_TEXT - 10 < len(found) <= LONGEST_TEXT
    kept = [extension.strip() for extension in found.split(separator.strip() or separator)]
    assert kept == extensions[: len(kept)]


def test_a_list_whose_first_entry_has_no_end_is_none() -> None:
    assert read(manager_extension="1" * 300).manager_extension is None


def test_a_list_that_just_fits_is_whole() -> None:
    just = ",".join(["1234"] * 40) + ","
    assert len(just) == LONGEST_TEXT
    assert read(manager_extension=just + "5678").manager_extension == just[:-1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (11, "11"),
        (" Boris ", "Boris"),
        (b" Boris ", "Boris"),
        (bytearray(b"\xcf"), "\ufffd"),
        ("  ", None),
        ("", None),
        (None, None),
        (date(2026, 11, 1), "2026-11-01"),
        (datetime(2026, 11, 1, 12), "2026-11-01T12:00:00"),  # noqa: DTZ001 - as databases give it
    ],
)
def test_values_become_the_text_that_the_crms_users_would_write(value: object, text: str | None) -> None:
    person = read(name=value, courier_phone=value, manager_extension=value)
    assert (person.name, person.courier_phone, person.manager_extension) == (text, text, text)
