"""What ``waybell check`` says of the CRM: the cause, the file and column, and what to do."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from lab.mariadb import PASSWORD, READER, MariaDB
from tests.people.conftest import DEMO, SQL, sqlite_file
from waybell.people.check import check, slow
from waybell.people.crm import open_people
from waybell.people.queries import KNOWN
from waybell.resources import data_dir

MEASOFT = data_dir("sql") / "crm/measoft"
MYSQL = ["asyncmy", "aiomysql"]


async def findings(url: str, queries: str = "measoft") -> list[str]:
    return [str(finding) for finding in await check(open_people(url, queries, 1))]


@pytest.mark.parametrize("crm_url", SQL, indirect=True)
async def test_a_good_crm_has_no_findings(crm_url: str) -> None:
    assert await findings(crm_url) == []


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_a_wrong_password_is_found(mariadb: MariaDB, driver: str) -> None:
    url = mariadb.database().reader(driver).replace(PASSWORD, "wrong")
    (found,) = await findings(url)
    assert found.startswith("crm.url: the CRM says: Access denied for user")
    assert found.endswith("correct user and password in crm.url")


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_a_database_without_the_tables_is_found(mariadb: MariaDB, driver: str) -> None:
    found = await findings(mariadb.database().reader(driver))
    assert [line.partition(":")[0] for line in found] == [f"measoft/{name}.sql" for name in KNOWN]
    assert "doesn't exist (error 1146); correct the database's name in crm.url" in found[0]


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_a_missing_grant_is_found_with_the_files_it_spoils(mariadb: MariaDB, driver: str) -> None:
    database = mariadb.database(*DEMO)
    mariadb.sql(f"REVOKE SELECT ON {database.name}.* FROM {READER}@'%'")
    for table in ("contacts", "kurier", "users", "clients", "fio", "address", "zakaz"):
        mariadb.sql(f"GRANT SELECT ON {database.name}.{table} TO {READER}@'%'")
    found = await findings(database.reader(driver))
    spoilt = ["identify", "callback_parcel", "callback_clients", "recipient_courier"]
    assert [line.partition(":")[0] for line in found] == [f"measoft/{name}.sql" for name in spoilt]
    assert all("denied" in line and "givn" in line and "GRANT SELECT on that table" in line for line in found)


@pytest.mark.parametrize("driver", MYSQL)
async def test_a_refused_port_is_found(driver: str) -> None:
    with socket.socket() as bound:  # bound but not listening
        bound.bind(("127.0.0.1", 0))
        (found,) = await findings(f"mysql+{driver}://u:p@127.0.0.1:{bound.getsockname()[1]}/courier")
    assert "Can't connect" in found
    assert "correct host and port in crm.url" in found


@pytest.mark.parametrize("driver", SQL)
async def test_a_column_that_only_the_database_can_miss_is_found_by_file_and_name(
    driver: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "identify.sql").write_text("SELECT * FROM users WHERE user = :number")
    if driver == "sqlite":
        url = sqlite_file(tmp_path / "crm.db", *DEMO)
    else:
        url = request.getfixturevalue("crm").reader(driver)
    found = await findings(url, str(folder))
    assert len(found) == 11
    assert found[0].startswith("mine/identify.sql: column kind is missing")


@pytest.mark.parametrize("crm_url", SQL, indirect=True)
async def test_a_callbacks_query_that_the_database_refuses_is_found_by_its_file(crm_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(MEASOFT, folder)
    file = folder / "callback_clients.sql"
    file.write_text(file.read_text().replace("z.source AS", "z.sauce AS"))
    (found,) = await findings(crm_url, str(folder))
    assert found.startswith("mine/callback_clients.sql: ")
    assert "z.sauce" in found


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_a_query_that_reads_a_whole_big_table_is_found(mariadb: MariaDB, driver: str) -> None:
    database = mariadb.database(*DEMO)
    people = open_people(database.reader(driver), "measoft", 1)
    assert await slow(people) == ()
    many = "INSERT INTO contacts SELECT 1000 + seq, 1000 + seq, 3, 79100000000 + seq, 1 FROM seq_1_to_20000;"
    mariadb.sql(f"{many} DROP INDEX contacts_value ON contacts; ANALYZE TABLE contacts", database.name)
    mariadb.sql("DROP INDEX IF EXISTS contacts_source ON contacts", database.name)
    found = [str(finding) for finding in await slow(people)]
    for name in ("identify", "callback_parcel"):
        assert any(line.startswith(f"measoft/{name}.sql: for each call the server reads all ") for line in found)
    assert all(" rows of the table that the query calls c; have an index made on " in line for line in found)
    mariadb.sql("CREATE INDEX of_test ON contacts (Source); CREATE INDEX of_test2 ON contacts (VALUE)", database.name)
    assert await slow(people) == ()


async def test_a_missing_sqlite_file_is_found_and_not_made(tmp_path: Path) -> None:
    (found,) = await findings(f"sqlite+aiosqlite:///{tmp_path}/none.db")
    assert "unable to open database file" in found
    assert "correct the file's path in crm.url" in found
    assert not (tmp_path / "none.db").exists()


async def test_a_file_that_is_no_database_is_found(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a letter, not a database. " * 100)
    found = await findings(f"sqlite+aiosqlite:///{tmp_path}/text.db")
    assert "file is not a database" in found[0]
