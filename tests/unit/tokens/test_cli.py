"""``waybell token`` as it is typed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from waybell.cli.token_times import parse_expiry
from waybell.store.engine import make_engine
from waybell.tokens.service import Tokens
from waybell.tokens.values import BadTokenError, Token

PROJECT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN = r"wb_[0-9a-f]{10}_[a-z2-7]{40}"


def token(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from waybell.cli.app import main; main()", "token", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "COLUMNS": "80"},
        check=False,
    )


def check(folder: Path, text: str) -> Token:
    async def ask() -> Token:
        engine = make_engine(f"sqlite+aiosqlite:///{folder}/waybell.db")
        tokens = Tokens(engine)
        try:
            return await tokens.check(text, "127.0.0.1", datetime.now(UTC))
        finally:
            await tokens.close()
            await engine.dispose()

    return asyncio.run(ask())


def test_a_token_is_printed_once_works_is_listed_and_revoked(tmp_path: Path) -> None:
    made = token(tmp_path, "create", "app of Boris", "--scope", "courier", "--courier", "11", "--expires", "90d")
    assert made.returncode == 0, made.stderr
    text = made.stdout.strip()
    assert text not in made.stderr
    assert "This is shown once: app of Boris, scope courier for courier 11 only until 20" in made.stderr
    assert "Authorization: Bearer <token>" in made.stderr
    assert check(tmp_path, text).courier == "11"
    listed = token(tmp_path, "list")
    assert "app of Boris" in listed.stdout
    assert text.rpartition("_")[2] not in listed.stdout + listed.stderr
    assert token(tmp_path, "revoke", "app of Boris").stdout == "app of Boris is revoked\n"
    with pytest.raises(BadTokenError):
        check(tmp_path, text)
    again = token(tmp_path, "revoke", "app of Boris")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "waybell: no token of that name or id is left to revoke; see: waybell token list\n"


def test_json_is_one_document_and_nothing_else(tmp_path: Path) -> None:
    made = token(tmp_path, "create", "app", "--scope", "admin", "--network", "10.0.0.0/8", "--network", "::1", "--json")
    document = json.loads(made.stdout)
    assert check_fails(tmp_path, document["token"])
    listed = json.loads(token(tmp_path, "list", "--json").stdout)
    assert made.stderr == ""
    del document["token"]
    assert listed == {"tokens": [{**document, "state": "live"}]}
    assert (document["networks"], document["scope"]) == (["10.0.0.0/8", "::1/128"], "admin")


def check_fails(folder: Path, text: str) -> bool:
    from waybell.tokens.values import ForbiddenNetworkError

    try:
        check(folder, text)
    except ForbiddenNetworkError:
        return True
    return False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["app"], "Missing option '--scope'"),
        (["app", "--scope", "root"], "'root' is not one of"),
        (["app", "--scope", "admin", "--courier", "11"], "only a token of scope courier can be bound"),
        (["app", "--scope", "admin", "--expires", "soon"], "'soon' is no expiry"),
        (["app", "--scope", "admin", "--expires", "2020-01-01"], "would have expired already"),
        (["app", "--scope", "admin", "--network", "here"], "not a network"),
    ],
)
def test_a_wrong_option_is_code_2_and_says_what_is_allowed(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = token(tmp_path, "create", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize("command", [("create", "app", "--scope", "admin"), ("list",), ("revoke", "app")], ids=str)
def test_a_store_that_is_no_database_is_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "waybell.db").write_text("not a database, but long enough to be looked at" * 10)
    done = token(tmp_path, *command)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("waybell: tokens cannot be used: the store says: file is not a database; ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_store_is_not_made_in_another_users_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    done = token(tmp_path, "list")
    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (1, "", [])
    assert done.stderr == f"waybell: tokens cannot be used: {tmp_path}/waybell.db does not exist; run: waybell init\n"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90d", NOW + timedelta(days=90)),
        ("12h", NOW + timedelta(hours=12)),
        ("4w", NOW + timedelta(days=28)),
        ("2026-12-31", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-12-31T18:00", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        ("2026-12-31T18:00+03:00", datetime(2026, 12, 31, 15, tzinfo=UTC)),
    ],
)
def test_an_expiry_is_read_as_people_write_it(text: str, moment: datetime) -> None:
    assert parse_expiry(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "0d", "-1d", "90", "d", "2026-13-01", "9999-12-31", "999999w", "٩d", "90 d"])
def test_what_is_no_expiry_says_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no expiry; allowed is a span such as 90d"):
        parse_expiry(text, NOW)
