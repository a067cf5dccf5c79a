"""func_odbc as an admin would set it up: the CRM's published queries as dialplan functions, a pool of connections."""

from __future__ import annotations

from pathlib import Path

from waybell.people.queries import load_queries

_QUERIES = ("recipient_courier", "courier_manager", "client_manager")
_MODULES = "load = res_odbc.so\nload = res_odbc_transaction.so\nload = func_odbc.so\n"
_NUMBER = "'${SQL_ESC(${ARG1})}'"
_POOL = """[courier]
enabled = yes
dsn = waybell
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
