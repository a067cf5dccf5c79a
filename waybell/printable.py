"""Text from outside, made fit for a terminal."""

from __future__ import annotations


def printable(text: str | None) -> str:
    """``text`` without control characters: what a caller sent, or a CRM holds, must not steer the terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text or "")
