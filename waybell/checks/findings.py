"""What a check says, and what it looks at."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from waybell.settings import Settings

ASTERISK_CONFIG = Path("/etc/asterisk")


class Status(StrEnum):
    """``warning`` works but should be seen to; ``skipped`` could not be looked at because of another failure."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``waybell check``: what was found in one sentence, and what to do about it (empty when nothing)."""

    check: str
    status: Status
    message: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """The installation that is looked at.

    ``asterisk_config`` is Asterisk's configuration directory, which need not be on this machine. ``now`` gives seconds
    since 1970 (UTC); ``deadline`` is in seconds, for one check.
    """

    settings: Settings
    asterisk_config: Path = ASTERISK_CONFIG
    now: Callable[[], float] = time.time
    deadline: float = 10.0


def ok(check: str, message: str) -> Finding:
    """All is well."""
    return Finding(check, Status.OK, message)


def warning(check: str, message: str, advice: str) -> Finding:
    """Works, but should be seen to."""
    return Finding(check, Status.WARNING, message, advice)


def failed(check: str, message: str, advice: str) -> Finding:
    """Does not work."""
    return Finding(check, Status.FAILED, message, advice)


def skipped(check: str, message: str) -> Finding:
    """Could not be looked at."""
    return Finding(check, Status.SKIPPED, message)
