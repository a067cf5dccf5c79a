"""What a real Asterisk sent: one file per scene, one JSON text per line, between them what happened meanwhile.

A line that is an event stands as Asterisk sent it. ``{"we": "delete"}`` marks where we ended the first channel, and
``{"they": "hang up"}`` where a phone did.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ari_app.events import Event, parse

RECORDED = Path(__file__).parent / "recorded"
SCENES = tuple(sorted(path.stem for path in RECORDED.glob("*.jsonl")))
FIRST = "our-own-id"
"""The id that the recorded channel was originated with."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The messages of one call up to a mark, and those after it; ``mark`` is empty when there is none."""

    before: tuple[str, ...]
    mark: str
    after: tuple[str, ...]

    @property
    def messages(self) -> tuple[str, ...]:
        """All of them."""
        return self.before + self.after


def read(name: str) -> Scene:
    """The recording ``name``."""
    lines = (RECORDED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    marks = [number for number, line in enumerate(lines) if "type" not in json.loads(line)]
    if not marks:
        return Scene(tuple(lines), "", ())
    mark = json.loads(lines[marks[0]])
    return Scene(tuple(lines[: marks[0]]), next(iter(mark)), tuple(lines[marks[0] + 1 :]))


def events(name: str) -> list[Event]:
    """The typed events of the recording ``name``."""
    now = datetime.now(UTC)
    return [event for message in read(name).messages if (event := parse(message, now))]
