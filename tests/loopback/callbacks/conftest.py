from __future__ import annotations

from tests.loopback.journal.conftest import empty_engine, engine, mariadb, store_url

__all__ = ["empty_engine", "engine", "mariadb", "store_url"]
