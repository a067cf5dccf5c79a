"""``Waybell-Signature: t=1763768204,v1=<hex>``: HMAC-SHA256 with the webhook's secret, of the time, a point and the
body, byte for byte. Whoever receives it compares the time too, so that nobody can send an old one again.
"""

from __future__ import annotations

import hmac

HEADER = "Waybell-Signature"


def sign(secret: str, body: bytes, at: int) -> str:
    """The header's value; ``at`` in seconds since 1970."""
    made = hmac.digest(secret.encode(), b"%d.%s" % (at, body), "sha256").hex()
    return f"t={at},v1={made}"


def is_genuine(header: str, secret: str, body: bytes, now: int, tolerance: int = 300) -> bool:
    """As a receiver checks it: our signature, and no older (nor newer) than ``tolerance`` seconds."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at = parts.get("t", "")
    if not (at.isascii() and at.isdigit()) or len(at) > 12 or abs(now - int(at)) > tolerance:
        return False
    return hmac.compare_digest(sign(secret, body, int(at)), header)
