"""TLS for the door, from the admin's certificate files."""

from __future__ import annotations

import ssl
from pathlib import Path


def server_context(certificate: Path, private_key: Path) -> ssl.SSLContext:
    """TLS 1.2 and later with ``certificate`` (PEM, its chain after it) and its ``private_key`` (PEM, no password).

    Raises :class:`ValueError` that names the setting and what to do.
    """
    for name, path in (("certificate", certificate), ("private_key", private_key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise ValueError(f"ami.{name}: {path} cannot be read: {error.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Asked for on the terminal otherwise, which a service has none of.
        context.load_cert_chain(certificate, private_key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        why = f"no PEM certificate with its private key, or the key has a password ({error})"
        raise ValueError(f"ami.certificate, ami.private_key: {certificate}, {private_key}: {why}") from None
    return context
