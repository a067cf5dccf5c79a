"""What every adapter of the ``People`` port does: in memory, on SQLite, on MariaDB by both drivers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lab.mariadb import MariaDB
from tests.people.cast import DEMO, EDGES, EVERYBODY
from tests.people.conftest import SQL, sqlite_file
from waybell.people.crm import open_people
from waybell.people.values import Identity, Lookup, People, PersonKind, Source
from waybell.resources import data_dir

EXAMPLE = [data_dir("sql") / "crm/example" / name for name in ("schema.sql", "data.sql")]


@pytest.mark.parametrize("number", DEMO)
async def test_everybody_in_the_demo_company_is_recognised(people: People, number: str) -> None:
    assert await people.identify(number) == Lookup(DEMO[number], Source.CRM)


@pytest.mark.parametrize("number", EDGES)
async def test_leftovers_doubles_and_gaps_do_no_harm(people: People, number: str) -> None:
    assert await people.identify(number) == Lookup(EDGES[number], Source.CRM)


@pytest.mark.parametrize(
    "number", ["", "0", "'", "' OR '1'='1", "%", "\\", "\0", "7916100000\ud800", "٧٩١٦", "🙂", "7" * 9000]
)
async def test_no_text_finds_somebody_it_is_not_the_number_of(people: People, number: str) -> None:
    assert (await people.identify(number)).people == ()


async def test_a_contact_person_comes_before_the_client(people: People) -> None:
    found = (await people.identify("79055000202")).people
    assert [person.name for person in found] == ["Кирилл Контакт", "Чайная"]


async def test_many_lookups_at_once_each_get_their_own_answer(people: People) -> None:
    numbers = list(EVERYBODY) * 12
    answers = await asyncio.gather(*(people.identify(number) for number in numbers))
    assert [answer.people for answer in answers] == [EVERYBODY[number] for number in numbers]


@pytest.mark.parametrize("driver", SQL)
async def test_an_admins_own_folder_works_on_a_quite_different_schema(
    driver: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if driver == "sqlite":
        url = sqlite_file(tmp_path / "own.db", *EXAMPLE)
    else:
        server: MariaDB = request.getfixturevalue("mariadb")
        url = server.database(*EXAMPLE).reader(driver)
    own = open_people(url, str(EXAMPLE[0].parent), deadline=20)
    await own.start()
    sara = {"manager_extension": "301", "manager_name": "Sara Staff"}
    dan = {"courier": "d-1", "courier_name": "Dan Driver", "courier_phone": "4915112345602"}
    garden = {"client": "h-1", "client_name": "Garden & Co"}
    assert (await own.identify("4915112345605")).people == (
        Identity(PersonKind.RECIPIENT, "b-1", "Bea Buyer", "T-1", **dan, **sara, **garden, status="on the road"),
        Identity(PersonKind.RECIPIENT, "b-1", "Bea Buyer", "T-2", **garden, status="at the depot"),
    )
    assert (await own.identify("4915112345601")).people == (Identity(PersonKind.EMPLOYEE, "s-1", "Sara Staff", **sara),)
    assert (await own.identify("4915112345602")).people == (
        Identity(PersonKind.COURIER, "d-1", "Dan Driver", **dan, **sara),
    )
    assert (await own.identify("4915112345604")).people == (
        Identity(PersonKind.CLIENT, "h-1", "Hans Owner", **garden, **sara),
    )
    await own.close()
