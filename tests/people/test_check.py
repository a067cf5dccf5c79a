"""What ``waybell check`` says of the CRM: the cause, the file and column, and what to do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lab.mariadb import PASSWORD, READER, MariaDB
from tests.people.conftest import DEMO, SQL, sqlite_file
from waybell.people.check import check
from waybell.people.crm import open_people

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
    assert len(found) == 5
    assert found[0].startswith("measoft/identify.sql: ")
    assert "doesn't exist (error 1146); correct the database's name in crm.url" in found[0]


@pytest.mark.mariadb
@pytest.mark.parametrize("driver", MYSQL)
async def test_a_missing_grant_is_found_with_the_files_it_spoils(mariadb: MariaDB, driver: str) -> None:
    database = mariadb.database(*DEMO)
    mariadb.sql(f"REVOKE SELECT ON {database.name}.* FROM {READER}@'%'")
    for table in ("contacts", "kurier", "users", "clients", "fio", "address", "zakaz"):
        mariadb.sql(f"GRANT SELECT ON {database.name}.{table} TO {READER}@'%'")
    found = await findings(database.reader(driver))
    assert [line.partition(":")[0] for line in found] == ["measoft/identify.sql", "measoft/recipient_courier.sql"]
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


async def test_a_missing_sqlite_file_is_found_and_not_made(tmp_path: Path) -> None:
    (found,) = await findings(f"sqlite+aiosqlite:///{tmp_path}/none.db")
    assert "unable to open database file" in found
    assert "correct the file's path in crm.url" in found
    assert not (tmp_path / "none.db").exists()


async def test_a_file_that_is_no_database_is_found(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a letter, not a database. " * 100)
    found = await findings(f"sqlite+aiosqlite:///{tmp_path}/text.db")
    assert "file is not a database" in found[0]
