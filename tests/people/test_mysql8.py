"""MySQL 8's own way of asking for a password, for which both drivers need a library that they do not require."""

from __future__ import annotations

from importlib import import_module

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


# aiomysql leaves this to PyMySQL.
@pytest.mark.parametrize("module", ["asyncmy.auth", "pymysql._auth"])
def test_a_password_can_be_sent_as_caching_sha2_password_wants_it(module: str) -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    encrypt = import_module(module).sha2_rsa_encrypt
    assert len(encrypt(b"secret", b"salt" * 5, public)) == 256
