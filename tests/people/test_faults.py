"""What happens to lookups when the database hangs, refuses, errs, dies or lies. Real servers, real sockets.

The deadlines here are far below the bounds that the tests wait for; a lookup without a deadline would wait for ever.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lab.mariadb import Database, MariaDB
from tests.people.cast import DEMO as CAST
from tests.people.cast import EVERYBODY
from tests.people.conftest import DEMO, EDGES, SQL, sqlite_file
from waybell.people.cache import CachedPeople
from waybell.people.crm import SqlPeople, open_people
from waybell.people.drivers import connect, read_url
from waybell.people.queries import Query
from waybell.people.values import Lookup, Source

ANNA = "79161000001"
MYSQL = ["asyncmy", "aiomysql"]
FOREVER = 60


@asynccontextmanager
async def opened(url: str, deadline: float = FOREVER, queries: str = "measoft") -> AsyncIterator[SqlPeople]:
    people = open_people(url, queries, deadline)
    await people.start()
    try:
        yield people
    finally:
        await people.close()


async def until_it_answers(people: SqlPeople) -> Lookup:
    async with asyncio.timeout(FOREVER):
        while (lookup := await people.identify(ANNA)).source is not Source.CRM:  # noqa: ASYNC110 - it is in the server
            await asyncio.sleep(0.02)
    return lookup


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(FOREVER):
        while not await true():  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_a_frozen_server_holds_up_no_lookup_and_is_found_again_by_itself(
    mariadb: MariaDB, crm: Database, driver: str
) -> None:
    async with opened(crm.reader(driver), deadline=0.3) as people:
        with mariadb.frozen():
            async with asyncio.timeout(FOREVER):
                answers = await asyncio.gather(*(people.identify(ANNA) for _ in range(300)))
            assert {answer.source for answer in answers} == {Source.FALLBACK}
            assert "no answer within 0.3 s" in answers[0].why
            assert people.down
        assert (await until_it_answers(people)).people == CAST[ANNA]
        assert not people.down


@pytest.mark.mariadb
async def test_while_the_server_is_down_nobody_waits_for_the_deadline(mariadb: MariaDB, crm: Database) -> None:
    async with opened(crm.reader(), deadline=1.0) as people:
        with mariadb.frozen():
            await asyncio.gather(*(people.identify(ANNA) for _ in range(3)))
            async with asyncio.timeout(30):
                for _ in range(100):
                    assert (await people.identify(ANNA)).why.startswith("the CRM is down: ")


@pytest.mark.mariadb
async def test_a_frozen_server_leaves_the_remembered_answer_marked_as_such(mariadb: MariaDB, crm: Database) -> None:
    async with opened(crm.reader(), deadline=0.3) as people:
        cached = CachedPeople(people)
        await until_it_answers(people)
        assert (await cached.identify(ANNA)).source is Source.CRM
        with mariadb.frozen():
            lookup = await cached.identify(ANNA)
            stranger = await cached.identify("79990000000")
    assert (lookup.people, lookup.source) == (CAST[ANNA], Source.CACHE)
    assert (stranger.people, stranger.source) == ((), Source.FALLBACK)


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_a_server_that_restarted_between_two_lookups_is_not_noticed(mariadb_alone: MariaDB, driver: str) -> None:
    async with opened(mariadb_alone.database(*DEMO).reader(driver)) as people:
        assert (await people.identify(ANNA)).source is Source.CRM
        mariadb_alone.kill()
        mariadb_alone.start()
        assert await people.identify(ANNA) == Lookup(CAST[ANNA], Source.CRM)


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_a_server_killed_in_the_middle_of_a_query_ends_the_lookup_at_once(
    mariadb_alone: MariaDB, driver: str
) -> None:
    database = mariadb_alone.database(*DEMO)
    async with opened(database.reader(driver)) as people, locked(mariadb_alone, database):
        lookups = [asyncio.create_task(people.identify(ANNA)) for _ in range(20)]
        await until(lambda: waiting_for_the_lock(mariadb_alone))
        mariadb_alone.kill()
        for answer in await asyncio.gather(*lookups):
            assert answer.source is Source.FALLBACK
            assert any(code in answer.why for code in ("2003", "2006", "2013"))
        mariadb_alone.start()
        assert (await until_it_answers(people)).people == CAST[ANNA]


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_connections_that_the_server_ended_are_replaced_within_the_lookup(
    mariadb: MariaDB, crm: Database, driver: str
) -> None:
    async with opened(crm.reader(driver)) as people:
        await asyncio.gather(*(people.identify(ANNA) for _ in range(50)))
        for line in mariadb.sql("SELECT id FROM information_schema.processlist WHERE user = 'waybell_reader'").split():
            mariadb.sql(f"KILL {line}")
        assert (await people.identify(ANNA)).source is Source.CRM


@pytest.mark.parametrize("driver", MYSQL)
async def test_a_refused_port_answers_at_once_and_says_so(driver: str) -> None:
    async with opened(f"mysql+{driver}://u:p@127.0.0.1:{free_port()}/courier") as people:
        lookup = await people.identify(ANNA)
        assert (lookup.people, lookup.source) == ((), Source.FALLBACK)
        assert "Can't connect" in lookup.why


@pytest.mark.parametrize("driver", MYSQL)
async def test_a_server_that_accepts_and_never_speaks_holds_up_no_lookup(driver: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql+{driver}://u:p@127.0.0.1:{silent.getsockname()[1]}/courier"
        async with opened(url, deadline=0.2) as people, asyncio.timeout(FOREVER):
            answers = await asyncio.gather(*(people.identify(ANNA) for _ in range(300)))
            assert {answer.source for answer in answers} == {Source.FALLBACK}
            assert people.down


@pytest.mark.parametrize("driver", MYSQL)
@pytest.mark.parametrize(
    "noise", [b"", b"\0", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 5000, b"\x05\0\0\0\x0a5.5\0"]
)
async def test_a_server_that_speaks_nonsense_gives_no_answer_and_no_crash(driver: str, noise: bytes) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(noise)
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        url = f"mysql+{driver}://u:p@127.0.0.1:{server.sockets[0].getsockname()[1]}/courier"
        async with opened(url, deadline=1) as people, asyncio.timeout(FOREVER):
            assert (await people.identify(ANNA)).source is Source.FALLBACK


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_a_wrong_password_is_named_and_mended_without_a_restart(mariadb_alone: MariaDB, driver: str) -> None:
    database = mariadb_alone.database(*DEMO)
    mariadb_alone.sql("SET PASSWORD FOR waybell_reader@'%' = PASSWORD('another')")
    async with opened(database.reader(driver)) as people:
        assert "Access denied" in (await people.identify(ANNA)).why
        mariadb_alone.sql("SET PASSWORD FOR waybell_reader@'%' = PASSWORD('only-for-tests')")
        assert (await until_it_answers(people)).people == CAST[ANNA]


@pytest.mark.parametrize("driver", SQL)
async def test_a_missing_table_is_named(driver: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if driver == "sqlite":
        url = sqlite_file(tmp_path / "empty.db")
    else:
        url = request.getfixturevalue("mariadb").database().reader(driver)
    async with opened(url) as people:
        assert "contacts" in (await people.identify(ANNA)).why


@pytest.mark.parametrize("driver", SQL)
async def test_a_column_that_vanishes_is_named_by_file(
    driver: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "identify.sql").write_text("SELECT * FROM answers WHERE 0 = :number")
    schema = tmp_path / "schema.sql"
    schema.write_text("CREATE TABLE answers (kind char(9), id int)")
    if driver == "sqlite":
        url = sqlite_file(tmp_path / "empty.db", schema)
    else:
        url = request.getfixturevalue("mariadb").database(schema).reader(driver)
    async with opened(url, queries=str(folder)) as people:
        assert "mine/identify.sql: column manager_name is missing" in (await people.identify(ANNA)).why


@pytest.mark.parametrize("crm_url", SQL, indirect=True)
async def test_a_cancelled_lookup_never_gives_its_rows_to_another(crm_url: str) -> None:
    chance = random.Random(7)
    numbers = [chance.choice(list(EVERYBODY)) for _ in range(600)]
    async with opened(crm_url) as people:
        tasks = [asyncio.create_task(people.identify(number)) for number in numbers]
        for task in chance.sample(tasks, 300):
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        for number, answer in zip(numbers, answers, strict=True):
            assert isinstance(answer, asyncio.CancelledError) or answer == Lookup(EVERYBODY[number], Source.CRM)
        assert sum(isinstance(answer, Lookup) for answer in answers) >= 300
        assert not people.down


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_a_lookup_cancelled_while_the_server_works_on_it_takes_its_connection_along(
    mariadb: MariaDB, driver: str
) -> None:
    database = mariadb.database(*DEMO)
    async with opened(database.reader(driver)) as people:
        async with locked(mariadb, database):
            lookup = asyncio.create_task(people.identify("79161000002"))
            await until(lambda: waiting_for_the_lock(mariadb))
            lookup.cancel()
            with pytest.raises(asyncio.CancelledError):
                await lookup
        assert (await people.identify(ANNA)).people == CAST[ANNA]
        assert (await people.identify("79990000000")).people == ()


@pytest.mark.parametrize("crm_url", SQL, indirect=True)
async def test_the_connection_can_only_read(crm_url: str) -> None:
    session = await connect(read_url(crm_url), 10)
    writes = Query(Path("write.sql"), ("INSERT INTO users (user, name) VALUES (9, 'x')",), ())
    with pytest.raises(Exception, match=r"denied|read-only|readonly|READ ONLY"):
        await (await session.prepare(writes)).fetch(())
    await session.close()


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_even_an_account_that_may_write_only_reads_here(crm: Database, driver: str) -> None:
    session = await connect(read_url(crm.store(driver)), 10)
    writes = Query(Path("write.sql"), ("INSERT INTO users (user, name) VALUES (9, 'x')",), ())
    with pytest.raises(Exception, match="READ ONLY"):
        await (await session.prepare(writes)).fetch(())
    await session.close()


@pytest.mark.parametrize("driver", SQL)
async def test_of_a_number_behind_thousands_of_parcels_the_newest_are_read(
    driver: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    rows = ", ".join(f"({i}, {i}, 3, '74950000000')" for i in range(10_000, 15_000))
    parcels = ", ".join(f"({i}, 1001, 'Reception')" for i in range(10_000, 15_000))
    many = tmp_path / "many.sql"
    many.write_text(
        f"INSERT INTO contacts (id, Source, SourceCodeType, VALUE) VALUES {rows};"
        f"INSERT INTO address (code, zakaz, name) VALUES {parcels};"
        "INSERT INTO givn (code, address, kurier, State) VALUES (9999, 14999, 11, 1);"
    )
    if driver == "sqlite":
        url = sqlite_file(tmp_path / "many.db", *DEMO, many)
    else:
        url = request.getfixturevalue("mariadb").database(*DEMO, many).reader(driver)
    async with opened(url) as people:
        found = (await people.identify("74950000000")).people
    assert len(found) == 500
    assert (found[0].parcel, found[0].courier) == ("14999", "11")
    assert {person.parcel for person in found} == {str(i) for i in range(14_500, 15_000)}


@pytest.mark.mariadb
def test_the_query_reads_by_indices_alone(mariadb: MariaDB) -> None:
    database = mariadb.database(*DEMO, EDGES)
    mariadb.sql(
        "INSERT INTO contacts SELECT 1000 + seq, 1000 + seq, 3, 79100000000 + seq, 1 FROM seq_1_to_20000;"
        "INSERT INTO address SELECT 1000 + seq, 1001, NULL, 'x' FROM seq_1_to_20000; ANALYZE TABLE contacts, address",
        database.name,
    )
    query = open_people(database.reader(), "measoft", 1).queries.identify
    text = "'79100000123'".join(query.parts)
    plan = [line.split("\t") for line in mariadb.sql(f"EXPLAIN {text}", database.name).splitlines()]
    assert {(line[3]) for line in plan} <= {"ref", "eq_ref", "const"}
    assert not any("filesort" in line[-1] or "temporary" in line[-1] for line in plan)
    status = mariadb.sql(f"FLUSH STATUS; {text}; SHOW STATUS LIKE 'Handler_read%'", database.name)
    reads = [line.split("\t")[1] for line in status.splitlines() if line.startswith("Handler_read")]
    assert sum(map(int, reads)) < 15


@asynccontextmanager
async def locked(server: MariaDB, database: Database) -> AsyncIterator[None]:
    """While inside, queries on ``contacts`` wait in the server."""
    client = await asyncio.create_subprocess_exec(
        *("mariadb", "--no-defaults", f"--socket={server.socket}", "--user=root", "--unbuffered", database.name),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(b"LOCK TABLES contacts WRITE; SELECT 'locked';\n")
    await client.stdout.readuntil(b"locked")
    try:
        yield
    finally:
        client.stdin.close()
        await client.communicate()


async def waiting_for_the_lock(server: MariaDB) -> bool:
    text = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock'"
    return int(server.sql(text)) > 0
