"""The TCP connection that tests can break."""

from __future__ import annotations

from lab.wire import Wire

__all__ = ["Wire"]
