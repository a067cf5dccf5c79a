"""Argon2id, off the event loop and never many at a time."""

from __future__ import annotations

import asyncio
import base64
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

# The least that OWASP's Password Storage Cheat Sheet allows; it is meant for what people can remember, and nobody
# guesses 200 random bits. Some 20 ms and 19 MiB each.
_MEMORY_KIB, _ROUNDS, _LANES = 19_456, 2, 1
_AT_ONCE = 2
_SALT_BYTES, _HASH_BYTES = 16, 32


class Hasher:
    """Hashes and verifies secrets in threads of its own, two at a time; the others wait."""

    def __init__(self) -> None:
        self._argon2 = PasswordHasher(_ROUNDS, _MEMORY_KIB, _LANES, _HASH_BYTES, _SALT_BYTES)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tokens")
        self._nobodys = _random_hash()

    async def hash(self, secret: str) -> str:
        """``secret`` hashed, with its salt and parameters."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._argon2.hash, secret)

    async def verify(self, hashed: str | None, secret: str) -> bool:
        """Whether ``hashed`` is of ``secret``. ``None`` is nobody's hash: never, but it takes as long."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._verify, hashed or self._nobodys, secret
        )

    def close(self) -> None:
        """Begin no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, hashed: str, secret: str) -> bool:
        try:
            return self._argon2.verify(hashed, secret)
        except (Argon2Error, InvalidHashError):
            return False


def _random_hash() -> str:
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode("ascii").rstrip("=") for size in (_SALT_BYTES, _HASH_BYTES)
    )
    return f"$argon2id$v=19$m={_MEMORY_KIB},t={_ROUNDS},p={_LANES}${salt}${digest}"
