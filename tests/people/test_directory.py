"""What callbacks ask the CRM, on SQLite and on MariaDB by both drivers: the same answers, never from memory."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from lab.mariadb import Database, MariaDB
from tests.people.cast import EVERYBODY
from tests.people.conftest import DEMO, EDGES, SQL, sqlite_file
from waybell.people.crm import SqlPeople, open_people
from waybell.people.directory import CourierCard, CrmUnavailableError, Directory, ParcelCard
from waybell.people.queries import load_queries
from waybell.people.values import Source
from waybell.resources import data_dir

MEASOFT = data_dir("sql") / "crm/measoft"
EXAMPLE = data_dir("sql") / "crm/example"
ANNA = "79161000001"
FOREVER = 60

BORIS = CourierCard("11", "Борис Курьер", "79010000011", "199,100", "Ольга Менеджер")
BOOKS, TEA = ("101", "Книжный магазин"), ("102", "Чайная")

COURIERS = {
    "11": BORIS,
    "12": CourierCard("12", "Семён Курьер", "79010000012", "", ""),
    "13": CourierCard("13", "Тимур Курьер", "79020000013", "101", "Павел Менеджер"),
    "90": CourierCard("90", "Иван", "", "", ""),
    "4040": None,
}
PARCELS = {
    "10": (ParcelCard("10", "11", ANNA, "Анна", *BOOKS),),
    "22": (ParcelCard("22", "12", "79161000002", "Вера", *TEA),),
    "30": (ParcelCard("30", "", "79161000003", "Глеб", *BOOKS),),
    "31": (ParcelCard("31", "", "79161000003", "Глеб", *TEA),),
    "90": (ParcelCard("90", "11", "79162000090", "", "", ""),),
    "91": (ParcelCard("91", "", "79162000091", "No order", "", ""),),
    "92": (ParcelCard("92", "", "79162000092", "No client", "", ""),),
    "96": (ParcelCard("96", "", "79162000096", "Twice in the contacts", *BOOKS),),
    "4040": (),
}
CLIENTS = {"11": {"101", "102"}, "12": {"101", "102"}, "13": {"101"}, "14": set(), "9999": {"101"}, "4040": set()}
NO_IDS = ["", " ", "0", "'", "' OR '1'='1", "%", "\\", "\0", "\ud800", "１０", "🙂", "1" * 101, "10\n", "1e1", "10.0"]
NEARLY = ["10 ", " 10", "10x", "+10", "010", "1e1", "10.0", "0x0a", "１０"]


@asynccontextmanager
async def asking(url: str, queries: str = "measoft", deadline: float = FOREVER) -> AsyncIterator[SqlPeople]:
    people = open_people(url, queries, deadline)
    await people.start()
    try:
        yield people
    finally:
        await people.close()


@pytest.fixture(params=SQL)
async def directory(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Directory]:
    if request.param == "sqlite":
        url = sqlite_file(tmp_path / "crm.db", *DEMO, EDGES)
    else:
        url = request.getfixturevalue("crm").reader(request.param)
    async with asking(url) as people:
        yield Directory(people)


@pytest.mark.parametrize("code", COURIERS)
async def test_a_courier_has_the_card_of_the_crm(directory: Directory, code: str) -> None:
    assert await directory.courier(code) == COURIERS[code]


@pytest.mark.parametrize("code", PARCELS)
async def test_a_parcel_has_its_holder_its_recipients_number_and_its_client(directory: Directory, code: str) -> None:
    assert await directory.parcel(code) == PARCELS[code]


async def test_a_parcel_that_two_couriers_hold_says_both(directory: Directory) -> None:
    cards = await directory.parcel("94")
    assert {card.courier for card in cards} == {"11", "12"}
    assert len(cards) == 2


@pytest.mark.parametrize("code", CLIENTS)
async def test_the_clients_whose_parcels_a_courier_holds_now_are_known(directory: Directory, code: str) -> None:
    assert await directory.clients(code) == CLIENTS[code]


@pytest.mark.parametrize("text", [*NO_IDS, *NEARLY], ids=ascii)
async def test_a_text_that_is_not_exactly_an_id_is_nobodys(directory: Directory, text: str) -> None:
    assert await directory.parcel(text) == ()
    assert await directory.courier(text.replace("10", "11")) is None
    assert await directory.clients(text.replace("10", "11")) == frozenset()
    assert await directory.courier("11") == BORIS


@pytest.mark.parametrize("number", ["79010000014", "79162000094", "79990000000", "no number"])
async def test_who_is_behind_a_number_is_asked_as_for_a_call(directory: Directory, number: str) -> None:
    assert await directory.people(number) == EVERYBODY.get(number, ())


async def test_many_questions_at_once_each_get_their_own_answer(directory: Directory) -> None:
    codes = list(PARCELS) * 20
    answers = await asyncio.gather(*(directory.parcel(code) for code in codes))
    assert answers == [PARCELS[code] for code in codes]


@pytest.mark.parametrize("driver", SQL)
async def test_several_numbers_are_several_cards_in_the_order_they_were_written_down(
    driver: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    more = tmp_path / "more.sql"
    more.write_text(
        "INSERT INTO contacts (id, Source, SourceCodeType, VALUE) VALUES (300, 10, 3, '79991'), (301, 10, 3, '79160');"
        "DELETE FROM contacts WHERE Source = 22; UPDATE kurier SET phonem = '  ', phonek = ' 79 ' WHERE code = 12;"
    )
    async with asking(url_of(driver, request, tmp_path, *DEMO, more)) as people:
        directory = Directory(people)
        assert [card.number for card in await directory.parcel("10")] == [ANNA, "79991", "79160"]
        assert await directory.parcel("22") == (ParcelCard("22", "12", "", "Вера", *TEA),)
        assert (await directory.courier("12") or BORIS).phone == "79"


@pytest.mark.parametrize("driver", SQL)
async def test_a_number_too_long_to_be_one_is_none_and_a_name_is_cut(
    driver: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    own = tmp_path / "mine"
    shutil.copytree(MEASOFT, own)
    (own / "callback_parcel.sql").write_text(
        f"SELECT code AS parcel, 11 AS courier, '{'7' * 300}' AS number, NAME AS NAME, NULL AS client, "
        f"'{'я' * 300}' AS client_name FROM address WHERE code = :parcel"
    )
    async with asking(url_of(driver, request, tmp_path, *DEMO), str(own)) as people:
        (card,) = await Directory(people).parcel("10")
    assert card == ParcelCard("10", "11", "", "Анна", "", "я" * 200)


@pytest.mark.parametrize("driver", SQL)
async def test_an_admins_own_folder_answers_for_a_quite_different_schema(
    driver: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = url_of(driver, request, tmp_path, EXAMPLE / "schema.sql", EXAMPLE / "data.sql")
    async with asking(url, str(EXAMPLE)) as people:
        directory = Directory(people)
        assert await directory.courier("d-1") == CourierCard("d-1", "Dan Driver", "4915112345602", "301", "Sara Staff")
        assert await directory.courier("s-1") is None
        garden = ("h-1", "Garden & Co")
        assert await directory.parcel("T-1") == (ParcelCard("T-1", "d-1", "4915112345605", "Bea Buyer", *garden),)
        assert await directory.parcel("T-2") == (ParcelCard("T-2", "", "4915112345605", "Bea Buyer", *garden),)
        assert await directory.parcel("t-1") == ()
        assert await directory.clients("d-1") == {"h-1"}
        assert not await directory.clients("d-2")


async def test_a_question_that_the_folder_has_no_file_for_is_refused_with_the_files_name(tmp_path: Path) -> None:
    own = tmp_path / "mine"
    own.mkdir()
    shutil.copy(MEASOFT / "identify.sql", own)
    async with asking(sqlite_file(tmp_path / "crm.db", *DEMO), str(own)) as people:
        directory = Directory(people)
        for question, name in questions(directory):
            with pytest.raises(CrmUnavailableError, match=rf"mine/{name}\.sql is missing in .*mine; write it"):
                await question("11")
        assert (await directory.people(ANNA))[0].name == "Анна"


async def test_a_column_that_the_answer_lacks_is_named(tmp_path: Path) -> None:
    own = tmp_path / "mine"
    shutil.copytree(MEASOFT, own)
    (own / "callback_clients.sql").write_text("SELECT * FROM kurier WHERE code = :courier")
    async with asking(sqlite_file(tmp_path / "crm.db", *DEMO), str(own)) as people:
        with pytest.raises(CrmUnavailableError, match=r"mine/callback_clients\.sql: column client is missing"):
            await Directory(people).clients("11")


@pytest.mark.parametrize("driver", SQL)
async def test_a_question_that_the_crm_refuses_says_why_and_takes_no_caller_from_incoming_calls(
    driver: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    own = tmp_path / "mine"
    shutil.copytree(MEASOFT, own)
    (own / "callback_courier.sql").write_text(
        "SELECT id, name, phone, manager_extension, manager_name FROM nowhere WHERE id = :courier"
    )
    async with asking(url_of(driver, request, tmp_path, *DEMO), str(own)) as people:
        for _ in range(10):
            with pytest.raises(CrmUnavailableError, match="nowhere"):
                await Directory(people).courier("11")
        assert not people.down
        assert (await people.identify(ANNA)).source is Source.CRM


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:////nowhere/crm.db", "mysql+asyncmy://u:p@127.0.0.1:1/courier"])
async def test_a_crm_that_is_down_is_said_at_once(url: str) -> None:
    async with asking(url, deadline=5) as people:
        for question, _ in questions(Directory(people)):
            with pytest.raises(CrmUnavailableError, match="the CRM is down"):
                await question("11")


async def test_a_sqlite_crm_that_is_locked_is_given_up_within_the_deadline(tmp_path: Path) -> None:
    async with asking(sqlite_file(tmp_path / "crm.db", *DEMO), deadline=0.2) as people:
        directory = Directory(people)
        await until_it_answers(directory)
        with closing(sqlite3.connect(tmp_path / "crm.db")) as other:
            other.execute("BEGIN EXCLUSIVE")
            for question, _ in questions(directory):
                with pytest.raises(CrmUnavailableError):
                    await question("11")
        await until_it_answers(directory)


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", ["asyncmy", "aiomysql"])
async def test_a_crm_that_hangs_is_given_up_within_the_deadline_and_never_answered_from_memory(
    mariadb: MariaDB, crm: Database, driver: str
) -> None:
    async with asking(crm.reader(driver), deadline=0.3) as people:
        directory = Directory(people)
        await until_it_answers(directory)
        with mariadb.frozen():
            for question, _ in [*questions(directory), (directory.people, "")]:
                async with asyncio.timeout(FOREVER):
                    with pytest.raises(CrmUnavailableError, match=r"no answer within 0\.3 s|the CRM is down"):
                        await question("11")
        await until_it_answers(directory)


@pytest.mark.mariadb
async def test_questions_that_hang_leave_connections_for_those_who_ring_just_now(
    mariadb: MariaDB, crm: Database, tmp_path: Path
) -> None:
    own = tmp_path / "mine"
    shutil.copytree(MEASOFT, own)
    (own / "callback_clients.sql").write_text("SELECT :courier AS courier, SLEEP(600) AS client")
    async with asking(crm.reader(), str(own)) as people:
        waiting = [asyncio.create_task(Directory(people).clients("11")) for _ in range(50)]
        async with asyncio.timeout(FOREVER):
            while "User sleep" not in mariadb.sql("SHOW PROCESSLIST"):  # noqa: ASYNC110 - it is in the server
                await asyncio.sleep(0.02)
            assert (await people.identify(ANNA)).source is Source.CRM
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    for line in mariadb.sql("SELECT id FROM information_schema.processlist WHERE state = 'User sleep'").split():
        mariadb.sql(f"KILL {line}")


@pytest.mark.mariadb
def test_no_question_reads_a_whole_table_where_contacts_has_an_index_on_its_source(mariadb: MariaDB) -> None:
    database = mariadb.database(*DEMO)
    mariadb.sql(
        "INSERT INTO address SELECT 1000 + seq, 1001, NULL, 'x' FROM seq_1_to_20000;"
        "INSERT INTO contacts SELECT 1000 + seq, 1000 + seq, 3, 79100000000 + seq, 1 FROM seq_1_to_20000;"
        "INSERT INTO givn SELECT 1000 + seq, 1000 + seq, 20 + seq % 1000, 1 FROM seq_1_to_20000;"
        "CREATE INDEX contacts_source_of_test ON contacts (Source); ANALYZE TABLE contacts, address, givn",
        database.name,
    )
    queries = load_queries("measoft")
    for name, code in (("callback_courier", "11"), ("callback_parcel", "1123"), ("callback_clients", "143")):
        text = f"'{code}'".join(queries.get(name).parts)
        status = mariadb.sql(f"FLUSH STATUS; {text}; SHOW STATUS LIKE 'Handler_read%'", database.name)
        reads = [line.split("\t")[1] for line in status.splitlines() if line.startswith("Handler_read")]
        assert sum(map(int, reads)) < 150, name


Question = Callable[[str], Awaitable[object]]


def questions(directory: Directory) -> list[tuple[Question, str]]:
    return [
        (directory.courier, "callback_courier"),
        (directory.parcel, "callback_parcel"),
        (directory.clients, "callback_clients"),
    ]


def url_of(driver: str, request: pytest.FixtureRequest, tmp_path: Path, *files: Path) -> str:
    if driver == "sqlite":
        return sqlite_file(tmp_path / "crm.db", *files)
    server: MariaDB = request.getfixturevalue("mariadb")
    return server.database(*files).reader(driver)


async def until_it_answers(directory: Directory) -> None:
    async with asyncio.timeout(FOREVER):
        while True:
            try:
                assert await directory.courier("11") == BORIS
                return
            except CrmUnavailableError:
                await asyncio.sleep(0.02)
