"""func_odbc as an admin would set it up: the CRM's published queries as dialplan functions, a pool of connections."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.mariadb import PASSWORD, READER, Database
from lab.rootfs import rootfs_path
from waybell.people.queries import load_queries

_QUERIES = ("recipient_courier", "courier_manager", "client_manager")
_MODULES = "load = res_odbc.so\nload = res_odbc_transaction.so\nload = func_odbc.so\n"
_NUMBER = "'${SQL_ESC(${ARG1})}'"
_POOL = """[courier]
enabled = yes
dsn = courier
pre-connect = yes
max_connections = 20
"""


def asterisk_files() -> dict[str, str]:
    """What Asterisk's configuration gets: the modules, the pool, the queries and the hand-written dialplan."""
    return {
        "modules_custom.conf": _MODULES,
        "res_odbc.conf": _POOL,
        "func_odbc.conf": function_sections(),
        "waybell.conf": (Path(__file__).parent / "asterisk" / "func_odbc_dialplan.conf").read_text(encoding="utf-8"),
    }


def function_sections() -> str:
    """``ODBC_RECIPIENT_COURIER(<number>)`` and so on, a section each; the number goes in as func_odbc quotes it."""
    by_name = load_queries("measoft").by_name
    return "\n".join(
        f"[{name.upper()}]\ndsn = courier\nreadsql = {_NUMBER.join(by_name[name].parts)}\n" for name in _QUERIES
    )


@contextmanager
def driver_settings(database: Database) -> Iterator[None]:
    """``$ODBCSYSINI`` for an Asterisk that is started inside the block; unixODBC reads it in the root file system.

    Not ``$ODBCINI``: that file unixODBC wants to be able to write, and goes to the default port when it cannot.
    """
    rootfs = Path("/") if os.environ.get("WAYBELL_ASTERISK") else rootfs_path()
    folder = Path(tempfile.mkdtemp(prefix="waybell-odbc-", dir=rootfs / "tmp"))
    before = os.environ.get("ODBCSYSINI")
    try:
        folder.chmod(0o755)
        for name, content in (("odbc.ini", _data_source(rootfs, database)), ("odbcinst.ini", "")):
            (folder / name).write_text(content)
            (folder / name).chmod(0o644)
        os.environ["ODBCSYSINI"] = f"/{folder.relative_to(rootfs)}"
        yield
    finally:
        os.environ.pop("ODBCSYSINI", None)
        if before is not None:
            os.environ["ODBCSYSINI"] = before
        shutil.rmtree(folder, ignore_errors=True)


def _data_source(rootfs: Path, database: Database) -> str:
    drivers = sorted(rootfs.glob("usr/lib/*/odbc/libmaodbc.so"))
    if not drivers:
        raise FileNotFoundError(f"{rootfs} has no libmaodbc.so: the package odbc-mariadb is missing there")
    return f"""[courier]
Driver = /{drivers[0].relative_to(rootfs)}
SERVER = 127.0.0.1
PORT = {database.port}
DATABASE = {database.name}
UID = {READER}
PWD = {PASSWORD}
"""
