from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_network

import pytest

from waybell.tokens.making import describe
from waybell.tokens.values import BadTokenError, Scope, Token, TokenError, new_text, read_text

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MAY = {
    Scope.COURIER: {Scope.COURIER},
    Scope.OPERATOR: {Scope.OPERATOR},
    Scope.SUPERVISOR: {Scope.OPERATOR, Scope.SUPERVISOR},
    Scope.ADMIN: {Scope.COURIER, Scope.OPERATOR, Scope.SUPERVISOR, Scope.ADMIN},
}


def make(
    name: str = "app",
    scope: str = "courier",
    courier: str | None = None,
    expires: datetime | None = None,
    networks: tuple[str, ...] = (),
) -> Token:
    return describe("0123456789", name, scope, courier, expires, networks, NOW)


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_allows_what_the_contract_says_and_no_more(scope: Scope) -> None:
    assert {needed for needed in Scope if make(scope=scope).allows(needed)} == MAY[scope]


def test_a_bound_token_calls_for_its_own_courier_only_and_an_unbound_one_for_any() -> None:
    assert make(courier="11").may_call_for("11")
    assert not make(courier="11").may_call_for("12")
    assert make().may_call_for("12")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": ""}, "1 to 100 printable"),
        ({"name": " app"}, "1 to 100 printable"),
        ({"name": "a\nb"}, "1 to 100 printable"),
        ({"name": "x" * 101}, "1 to 100 printable"),
        ({"name": "0123456789"}, "must not look like a token or its id"),
        ({"name": new_text()[2]}, "must not look like a token or its id"),
        ({"scope": "root"}, "scope 'root' is unknown; allowed: courier, operator, supervisor, admin"),
        ({"scope": "admin", "courier": "11"}, "only a token of scope courier can be bound"),
        ({"courier": ""}, "a courier's id has"),
        ({"expires": NOW}, "expired already, at 2026-11-22 12:00 UTC"),
        ({"networks": ("10.0.0.1/8",)}, "not a network: 10.0.0.1/8 has host bits set; write it like"),
        ({"networks": ("here",)}, "not a network"),
        ({"networks": tuple(f"10.{n}.{m}.0/24" for n in range(10) for m in range(100, 120))}, "too many networks"),
    ],
)
def test_what_cannot_be_a_token_is_refused_with_what_is_allowed(asked: dict[str, str], said: str) -> None:
    with pytest.raises(TokenError, match=said):
        make(**asked)  # type: ignore[arg-type]


def test_a_token_that_is_pasted_for_a_name_is_not_repeated() -> None:
    text = new_text()[2]
    with pytest.raises(TokenError) as refused:
        make(name=text)
    assert text not in str(refused.value)


def test_times_are_utc_and_networks_are_told_once() -> None:
    moscow = timezone(timedelta(hours=3))
    token = make(
        expires=datetime(2026, 12, 31, 3, tzinfo=moscow), networks=("10.0.0.0/8", "2001:db8::/32", "10.0.0.0/8")
    )
    assert str(token.expires_at) == "2026-12-31 00:00:00+00:00"
    assert token.networks == (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


def test_a_tokens_text_is_read_back_and_nothing_else_is_read() -> None:
    ident, secret, text = new_text()
    assert read_text(text) == (ident, secret)
    assert not any(read_text(wrong) for wrong in ("", text[1:], text + "a", f" {text}", text.replace("_", "-")))
    assert len(secret) * 5 >= 160


def test_the_error_does_not_tell_what_was_wrong() -> None:
    assert str(BadTokenError()).startswith("the token is not valid: it is unknown, expired or revoked")
