"""ODBC for an Asterisk of the laboratory: its driver, and the event log as rows of a table."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.mariadb import PASSWORD, READER, STORE, Database, MariaDB
from lab.rootfs import rootfs_path
from waybell.resources import data_dir

_POOL = """[waybell]
enabled = yes
dsn = waybell
pre-connect = yes
max_connections = 1
"""
_MODULES = "load = res_odbc.so\nload = res_odbc_transaction.so\nload = cel_odbc.so\n"


def event_log_files() -> dict[str, str]:
    """What Asterisk's configuration gets, so that it writes the event log to a table besides its file."""
    sample = data_dir("dialplan") / "cel_odbc.conf"
    return {
        "modules_custom.conf": _MODULES,
        "res_odbc.conf": _POOL,
        "cel_odbc.conf": sample.read_text(encoding="utf-8"),
    }


@contextmanager
def event_log_table(server: MariaDB) -> Iterator[Database]:
    """A database with the table, and the ODBC driver pointed at it for an Asterisk that is started inside the block."""
    database = server.database(data_dir("sql") / "cel" / "mysql.sql")
    with driver_settings(database, STORE):
        yield database


@contextmanager
def driver_settings(database: Database, account: str = READER) -> Iterator[None]:
    """``$ODBCSYSINI`` for an Asterisk that is started inside the block: ``account`` on ``database`` as DSN ``waybell``.

    unixODBC reads it in the root file system.

    Not ``$ODBCINI``: that file unixODBC wants to be able to write, and goes to the default port when it cannot.
    """
    rootfs = Path("/") if os.environ.get("WAYBELL_ASTERISK") else rootfs_path()
    folder = Path(tempfile.mkdtemp(prefix="waybell-odbc-", dir=rootfs / "tmp"))
    before = os.environ.get("ODBCSYSINI")
    try:
        folder.chmod(0o755)
        for name, content in (("odbc.ini", _data_source(rootfs, database, account)), ("odbcinst.ini", "")):
            (folder / name).write_text(content)
            (folder / name).chmod(0o644)
        os.environ["ODBCSYSINI"] = f"/{folder.relative_to(rootfs)}"
        yield
    finally:
        os.environ.pop("ODBCSYSINI", None)
        if before is not None:
            os.environ["ODBCSYSINI"] = before
        shutil.rmtree(folder, ignore_errors=True)


def _data_source(rootfs: Path, database: Database, account: str) -> str:
    drivers = sorted(rootfs.glob("usr/lib/*/odbc/libmaodbc.so"))
    if not drivers:
        raise FileNotFoundError(f"{rootfs} has no libmaodbc.so: the package odbc-mariadb is missing there")
    return f"""[waybell]
Driver = /{drivers[0].relative_to(rootfs)}
SERVER = 127.0.0.1
PORT = {database.port}
DATABASE = {database.name}
UID = {account}
PWD = {PASSWORD}
"""
