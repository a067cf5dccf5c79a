"""Names as long as a CRM holds them: Asterisk cuts a record of its event log at 1,024 bytes, the journal loses none."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from lab.phone import BUSY
from lab.stack import Stack
from tests.pbx.faults.callers import ANNA, BORIS, OFFICE, Callers
from tests.pbx.faults.company import company, journal_of
from tests.pbx.faults.event_log import finished_rows, settled
from tests.pbx.journal import JournalReader
from waybell.people.demo import COMPANY_NUMBER, create_demo_crm
from waybell.prompts import make_prompts

pytestmark = pytest.mark.pbx

IRINA, VERA = "79055000201", "79161000002"
LONG = "Общество с ограниченной ответственностью «Книготорговый дом „Москва“ на Тверской улице»"
EXTENSIONS = "199,100,101,200,201,202"


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    create_demo_crm(tmp_path / "crm.db")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
        for table, column in (("users", "name"), ("kurier", "name"), ("clients", "company"), ("fio", "name")):
            crm.execute(f"UPDATE {table} SET {column} = ? || ' ' || {column}", (LONG,))
        crm.execute("UPDATE address SET name = ? || name", (LONG,))
        crm.execute("UPDATE users SET extPhone = ?", (EXTENSIONS,))
        crm.commit()
    async with company(tmp_path) as running:
        yield running


async def test_a_call_of_long_names_is_whole_in_the_journal(stack: Stack) -> None:
    callers = Callers(stack)
    stack.provider.behaviours[BORIS] = BUSY
    for extension in EXTENSIONS.split(","):
        stack.office.behaviours[extension] = BUSY
    for caller in (ANNA, IRINA):
        await callers.call(caller)
    irinas, annas = await journal_of(callers)
    assert [(step["step"], step["result"]) for step in annas["route"]] == [
        ("find", "BUSY"),
        ("manager", "BUSY"),
        ("office", "ANSWER"),
    ]
    assert (annas["parcel"], annas["courier"], annas["manager"]) == ("10", "11", EXTENSIONS)
    assert [(step["step"], step["result"]) for step in irinas["route"]] == [("find", "BUSY"), ("office", "ANSWER")]
    for row in (annas, irinas):
        assert (row["status"], row["answered_by"]["number"]) == ("answered", OFFICE)
        assert row["caller"]["name"].startswith(LONG[:30])
    log = stack.pbx.cel_path.read_bytes().splitlines()
    assert all(line.startswith(b'"') and line.endswith(b'"') for line in log)


async def test_a_caller_who_leaves_a_long_menu_is_whole_in_the_journal(stack: Stack) -> None:
    make_prompts(stack.pbx.sounds_dir, ("ru",))
    with closing(sqlite3.connect(stack.waybell.directory / "crm.db")) as crm:
        _give_vera_parcels_with_nine_couriers(crm)
    Callers(stack)
    call = await stack.provider.call(COMPANY_NUMBER, VERA)
    await call.answered()
    await call.media.heard(3)
    await call.hangup()
    await settled(stack.pbx.cel_path, 1)
    async with JournalReader(stack) as journal:
        (row,) = await finished_rows(journal, 1)
    assert (row["status"], row["caller"]["number"], row["caller"]["kind"]) == ("missed", VERA, "recipient")
    assert [(step["step"], step["verb"], step["result"]) for step in row["route"]] == [("find", "menu", "HANGUP")]


def _give_vera_parcels_with_nine_couriers(crm: sqlite3.Connection) -> None:
    for number in range(9):
        parcel, courier = 900_000 + number, 700 + number
        crm.execute(
            "INSERT INTO kurier (code, name, phonem, manager) VALUES (?, ?, ?, 1)",
            (courier, f"{LONG} {number}", f"7901000{courier:04d}"),
        )
        crm.execute("INSERT INTO address (code, zakaz, name) VALUES (?, 1001, ?)", (parcel, LONG))
        crm.execute("INSERT INTO givn (code, address, kurier, State) VALUES (?, ?, ?, 1)", (parcel, parcel, courier))
        crm.execute(
            "INSERT INTO contacts (id, Source, SourceCodeType, VALUE, State) VALUES (?, ?, 3, ?, 1)",
            (parcel, parcel, VERA),
        )
    crm.commit()
