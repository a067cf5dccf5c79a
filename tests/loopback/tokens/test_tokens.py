"""Tokens on SQLite and on MariaDB by both drivers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from tests.loopback.tokens.conftest import Clock
from waybell.store.token_tables import tokens as table
from waybell.tokens.hashing import Hasher
from waybell.tokens.service import Tokens
from waybell.tokens.values import (
    BadTokenError,
    ForbiddenNetworkError,
    Scope,
    TokenError,
    TokensUnavailableError,
    TooManyGuessesError,
)

NOW = datetime.now(UTC) + timedelta(minutes=5)
PEER = "192.0.2.1"
UNKNOWN = f"wb_0123456789_{'a' * 40}"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What was verified by Argon2, each time."""
    seen: list[str | None] = []
    verify = Hasher.verify

    async def watched(self: Hasher, hashed: str | None, secret: str) -> bool:
        seen.append(hashed)
        return await verify(self, hashed, secret)

    monkeypatch.setattr(Hasher, "verify", watched)
    return seen


@pytest.fixture
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    seen: list[str] = []

    def watch(*about: object) -> None:
        seen.append(str(about[2]).split()[0])

    event.listen(engine.sync_engine, "before_cursor_execute", watch)
    yield seen
    event.remove(engine.sync_engine, "before_cursor_execute", watch)


async def test_a_new_token_is_let_in_and_is_what_was_asked_for(tokens: Tokens) -> None:
    until = NOW + timedelta(days=90)
    made, shown = await tokens.create("app of Boris", "courier", "11", until, ["192.0.2.0/24"])
    assert re.fullmatch(r"wb_[0-9a-f]{10}_[a-z2-7]{40}", shown)
    token = await tokens.check(shown, PEER, NOW)
    assert (token.id, token.name, token.scope, token.courier) == (made.id, "app of Boris", Scope.COURIER, "11")
    assert (token.expires_at, [str(network) for network in token.networks]) == (until, ["192.0.2.0/24"])
    assert await tokens.list() == (made,) or (await tokens.list())[0].last_used_at == NOW


async def test_the_store_has_an_argon2_hash_and_nothing_of_the_secret(tokens: Tokens, engine: AsyncEngine) -> None:
    _, shown = await tokens.create("app", "operator")
    secret = shown.rpartition("_")[2]
    async with engine.connect() as connection:
        (row,) = (await connection.execute(select(table))).all()
    assert row.hash.startswith("$argon2id$")
    assert not any(secret in str(value) for value in row)


async def test_two_tokens_have_nothing_in_common(tokens: Tokens) -> None:
    shown = [(await tokens.create(f"app {number}", "courier"))[1] for number in range(3)]
    assert len({text.split("_")[1] for text in shown}) == len({text.split("_")[2] for text in shown}) == 3


@pytest.mark.parametrize(
    "wrong",
    ["", "wb_", "Bearer", UNKNOWN, "x" * 100_000, "\ud800", "wb_0123456789_" + "A" * 40, "٧" * 54, UNKNOWN + "\n"],
    ids=lambda text: ascii(text)[:20],
)
async def test_what_is_no_token_is_refused(tokens: Tokens, wrong: str) -> None:
    with pytest.raises(BadTokenError) as refused:
        await tokens.check(wrong, PEER, NOW)
    assert UNKNOWN[14:] not in str(refused.value)


async def test_another_secret_with_a_right_id_is_refused(tokens: Tokens) -> None:
    made, shown = await tokens.create("app", "admin")
    for wrong in (f"wb_{made.id}_{'a' * 40}", shown[:-1] + ("a" if shown[-1] != "a" else "b"), shown.upper()):
        with pytest.raises(BadTokenError):
            await tokens.check(wrong, PEER, NOW)
    assert (await tokens.check(shown, PEER, NOW)).id == made.id


async def test_a_token_is_good_until_the_moment_it_expires(tokens: Tokens) -> None:
    until = NOW + timedelta(days=1)
    _, shown = await tokens.create("app", "courier", expires=until)
    await tokens.check(shown, PEER, until - timedelta(microseconds=1))
    with pytest.raises(BadTokenError):
        await tokens.check(shown, PEER, until)


async def test_a_token_is_refused_outside_its_networks_and_good_inside(tokens: Tokens) -> None:
    _, shown = await tokens.create("app", "courier", networks=["192.0.2.0/28", "2001:db8::/32"])
    for inside in ("192.0.2.1", "::ffff:192.0.2.1", "2001:db8:1::9"):
        await tokens.check(shown, inside, NOW)
    for outside in ("192.0.2.16", "2001:db9::1", "", "testclient"):
        with pytest.raises(ForbiddenNetworkError):
            await tokens.check(shown, outside, NOW)


async def test_a_revoked_token_is_refused_at_once_here_and_within_seconds_in_another_process(
    tokens: Tokens, engine: AsyncEngine, clock: Clock
) -> None:
    other = Tokens(engine, clock)
    _, shown = await tokens.create("app", "courier")
    await asyncio.gather(tokens.check(shown, PEER, NOW), other.check(shown, PEER, NOW))
    assert await tokens.revoke("app")
    with pytest.raises(BadTokenError):
        await tokens.check(shown, PEER, NOW)
    clock.now += 4.9
    with pytest.raises(BadTokenError):
        await other.check(shown, PEER, NOW)
    await other.close()


async def test_a_row_that_is_gone_is_a_token_that_is_revoked(tokens: Tokens, engine: AsyncEngine, clock: Clock) -> None:
    _, shown = await tokens.create("app", "courier")
    await tokens.check(shown, PEER, NOW)
    await tokens._noting.finish()
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM tokens"))
    clock.now += 4.9
    with pytest.raises(BadTokenError):
        await tokens.check(shown, PEER, NOW)


async def test_tokens_are_revoked_by_name_or_id_and_only_once(tokens: Tokens) -> None:
    first, _ = await tokens.create("first", "courier")
    await tokens.create("second", "courier")
    assert await tokens.revoke(first.id)
    assert not await tokens.revoke(first.id)
    assert await tokens.revoke("second")
    assert not await tokens.revoke("third")
    assert [token.revoked_at is not None for token in await tokens.list()] == [True, True]


async def test_a_name_is_free_again_once_its_token_is_revoked(tokens: Tokens) -> None:
    await tokens.create("app", "courier")
    with pytest.raises(TokenError, match="there is a token 'app' already; revoke it first"):
        await tokens.create("app", "courier")
    await tokens.create("App", "courier")
    await tokens.revoke("app")
    await tokens.create("app", "courier")
    assert sorted(token.name for token in await tokens.list()) == ["App", "app", "app"]


async def test_a_token_in_use_is_hashed_once_and_the_store_asked_every_few_seconds(
    tokens: Tokens, clock: Clock, hashed: list[str | None], statements: list[str]
) -> None:
    _, shown = await tokens.create("app", "courier")
    await asyncio.gather(*(tokens.check(shown, PEER, NOW) for _ in range(50)))
    await tokens._noting.finish()
    statements.clear()
    for _ in range(60):
        clock.now += 1 / 30
        await tokens.check(shown, PEER, NOW)
    assert len(hashed) == 1
    assert statements.count("SELECT") <= 1
    clock.now += 2
    await asyncio.gather(*(tokens.check(shown, PEER, NOW) for _ in range(50)))
    assert statements.count("SELECT") <= 2


async def test_the_last_use_is_noted_at_most_once_a_minute(tokens: Tokens, statements: list[str]) -> None:
    _, shown = await tokens.create("app", "courier")
    for seconds in (0, 1, 59.9):
        await tokens.check(shown, PEER, NOW + timedelta(seconds=seconds))
        await tokens._noting.finish()
    assert ((await tokens.list())[0].last_used_at, statements.count("UPDATE")) == (NOW, 1)
    await tokens.check(shown, PEER, NOW + timedelta(seconds=60))
    await tokens._noting.finish()
    assert (await tokens.list())[0].last_used_at == NOW + timedelta(seconds=60)


async def test_an_unknown_id_costs_a_hash_like_a_known_one(tokens: Tokens, hashed: list[str | None]) -> None:
    made, _ = await tokens.create("app", "courier")
    for wrong in (UNKNOWN, f"wb_{made.id}_{'a' * 40}"):
        with pytest.raises(BadTokenError):
            await tokens.check(wrong, PEER, NOW)
    assert [known is not None for known in hashed] == [False, True]


async def test_guessing_one_tokens_secret_is_slowed_down_more_and_more(tokens: Tokens, clock: Clock) -> None:
    made, _ = await tokens.create("app", "courier")
    waits = []
    for number in range(40):
        try:
            await tokens.check(f"wb_{made.id}_{chr(ord('a') + number % 26) * 40}", PEER, NOW)
        except TooManyGuessesError as slow:
            waits.append(slow.retry_after)
            clock.now += slow.retry_after
        except BadTokenError:
            pass
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(waits[7:]) == {60}


async def test_guesses_at_many_tokens_are_slowed_down_too(tokens: Tokens) -> None:
    answers = []
    for number in range(60):
        try:
            await tokens.check(f"wb_{number:010x}_{'a' * 40}", PEER, NOW)
        except (BadTokenError, TooManyGuessesError) as error:
            answers.append(type(error))
    assert answers == [BadTokenError] * 20 + [TooManyGuessesError] * 40


async def test_guesses_at_once_are_not_more_than_one_after_the_other(tokens: Tokens, hashed: list[str | None]) -> None:
    made, _ = await tokens.create("app", "courier")
    letters = "abcdefghijklmnopqrstuvwxyz"
    guesses = [f"wb_{made.id}_{letter * 40}" for letter in letters] * 2
    answers = await asyncio.gather(*(tokens.check(guess, PEER, NOW) for guess in guesses), return_exceptions=True)
    assert len(hashed) <= 5
    assert all(isinstance(answer, (BadTokenError, TooManyGuessesError)) for answer in answers)


async def test_a_guesser_locks_out_nobody_at_another_address_and_no_token_in_use_at_its_own(tokens: Tokens) -> None:
    _, in_use = await tokens.create("in use", "courier")
    _, unused = await tokens.create("unused", "courier")
    await tokens.check(in_use, PEER, NOW)
    for number in range(60):
        with pytest.raises((BadTokenError, TooManyGuessesError)):
            await tokens.check(f"wb_{number:010x}_{'a' * 40}", PEER, NOW)
    with pytest.raises(TooManyGuessesError):
        await tokens.check(unused, PEER, NOW)
    await tokens.check(in_use, PEER, NOW)
    await tokens.check(unused, "192.0.2.2", NOW)


async def test_one_outdated_token_shown_again_and_again_slows_only_itself(tokens: Tokens) -> None:
    await tokens.create("old", "courier")
    _, good = await tokens.create("good", "courier")
    for _ in range(100):
        with pytest.raises((BadTokenError, TooManyGuessesError)):
            await tokens.check(UNKNOWN, PEER, NOW)
    await tokens.check(good, PEER, NOW)


async def test_many_good_tokens_behind_one_address_are_all_let_in_at_once(tokens: Tokens) -> None:
    shown = [(await tokens.create(f"app {number}", "courier"))[1] for number in range(30)]
    found = await asyncio.gather(*(tokens.check(text, PEER, NOW) for text in shown))
    assert [token.name for token in found] == [f"app {number}" for number in range(30)]


async def test_an_asker_that_goes_away_breaks_nothing_for_the_others(tokens: Tokens) -> None:
    _, shown = await tokens.create("app", "courier")
    checks = [asyncio.create_task(tokens.check(shown, PEER, NOW)) for _ in range(10)]
    await asyncio.sleep(0)
    checks[0].cancel()
    answers = await asyncio.gather(*checks, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert {token.name for token in answers[1:] if not isinstance(token, BaseException)} == {"app"}
    await tokens.check(shown, PEER, NOW)


async def test_no_log_and_no_error_shows_a_token(tokens: Tokens) -> None:
    _, shown = await tokens.create("app", "courier")
    secret = shown.rpartition("_")[2]
    wrong = shown[:-1] + ("a" if shown[-1] != "a" else "b")
    with capture_logs() as logs:
        said = [repr(await tokens.check(shown, PEER, NOW)), repr(await tokens.list())]
        for _ in range(10):
            with pytest.raises((BadTokenError, TooManyGuessesError)) as refused:
                await tokens.check(wrong, PEER, NOW)
            said.append(repr(refused.value) + str(refused.value))
    assert any(line["event"] == "too many wrong tokens from an address" for line in logs)
    assert not any(part in str(logs) + str(said) for part in (secret, wrong.rpartition("_")[2]))


async def test_a_store_that_does_not_answer_lets_nobody_in(tmp_path: Path, clock: Clock) -> None:
    from waybell.store.engine import make_engine

    tokens = Tokens(make_engine(f"sqlite+aiosqlite:///{tmp_path}/nowhere/waybell.db"), clock)
    with pytest.raises(TokensUnavailableError, match="the store cannot be asked for tokens"):
        await tokens.check(UNKNOWN, PEER, NOW)
    await tokens.close()


async def test_a_token_in_use_is_not_let_in_for_long_once_the_store_is_gone(
    tokens: Tokens, engine: AsyncEngine, clock: Clock
) -> None:
    _, shown = await tokens.create("app", "courier")
    await tokens.check(shown, PEER, NOW)
    await tokens._noting.finish()
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE tokens RENAME TO tokens_away"))
    clock.now += 4.9
    with pytest.raises(TokensUnavailableError):
        await tokens.check(shown, PEER, NOW)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE tokens_away RENAME TO tokens"))
    await tokens.check(shown, PEER, NOW)
