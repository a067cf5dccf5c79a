"""The demo company's CRM as an SQLite file; who is in it stands in ``sql/demo/rows.sql``."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from waybell.resources import data_dir

COMPANY_NUMBER = "74951234567"


def create_demo_crm(path: Path) -> None:
    """Make the file ``path`` unless it is there. Two at the same time do no harm: each moves a whole file in place."""
    if path.exists():
        return
    half = path.with_name(f"{path.name}.{os.getpid()}.new")
    half.unlink(missing_ok=True)
    half.touch(0o600)
    with closing(sqlite3.connect(half)) as database:
        for name in ("schema.sql", "rows.sql"):
            database.executescript((data_dir("sql") / "demo" / name).read_text(encoding="utf-8"))
    half.replace(path)
