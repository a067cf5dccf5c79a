"""Is it who they say: passwords and MD5 challenges, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from ami_app.messages import Action
from ami_app.users import Address, AmiUser

_CHALLENGES = 10**18


def new_challenge() -> str:
    """A number for the peer to mix its secret with; good once."""
    return str(secrets.randbelow(_CHALLENGES))


def who(action: Action, users: Mapping[str, AmiUser], challenge: str, address: Address) -> AmiUser | None:
    """The user that a ``Login`` from ``address`` proves to be; ``None``, without saying why, when it does not.

    ``challenge`` is what this peer was given, empty when it was not. A user that does not exist costs as long as one
    that does.
    """
    user = users.get(action.value("username"))
    secret = user.secret if user else secrets.token_hex(16)
    plain = not action.value("authtype") or action.value("authtype").lower() == "plain"
    right = _right_secret(action, secret) if plain else _right_key(action, secret, challenge)
    return user if user and right and user.may_come_from(address) else None


def _right_secret(action: Action, secret: str) -> bool:
    # Of equal length, so that the time does not tell the secret's.
    given, expected = (hashlib.sha256(text.encode()).digest() for text in (action.value("secret"), secret))
    return hmac.compare_digest(given, expected)


def _right_key(action: Action, secret: str, challenge: str) -> bool:
    # MD5 is what the protocol has; over TLS neither way shows the secret.
    expected = hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
    same = hmac.compare_digest(action.value("key").lower().encode(), expected.encode())
    return same and bool(challenge) and action.value("authtype").lower() == "md5"
