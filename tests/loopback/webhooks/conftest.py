from __future__ import annotations

from tests.fixtures_mariadb import mariadb, mariadb_alone
from tests.loopback.journal.conftest import empty_engine, engine, store_url

__all__ = ["empty_engine", "engine", "mariadb", "mariadb_alone", "store_url"]
