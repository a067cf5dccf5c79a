"""Import ``mariadb`` (and, for a server of a test's own, ``mariadb_alone``) into a folder's ``conftest.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.mariadb import MariaDB

_SERVER = pytest.StashKey[MariaDB]()


@pytest.fixture(scope="session")
def mariadb(pytestconfig: pytest.Config) -> MariaDB:
    """The test run's server, started once however many folders import this; make a database of your own on it."""
    if _SERVER not in pytestconfig.stash:
        server = MariaDB()
        pytestconfig.add_cleanup(server.stop)
        server.start()
        pytestconfig.stash[_SERVER] = server
    return pytestconfig.stash[_SERVER]


@pytest.fixture
def mariadb_alone() -> Iterator[MariaDB]:
    """A server for a test that kills or restarts it."""
    with MariaDB() as server:
        yield server
