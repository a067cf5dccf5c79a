"""Trouble is told once."""

from __future__ import annotations

from typing import Any

from ari_app.trouble import Trouble


class Paper:
    """A log and a clock of a test's own."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self.now = 1000.0

    def error(self, event: str, **details: Any) -> None:
        """Keeps it."""
        self.lines.append((event, details))

    info = error


def test_the_same_trouble_is_told_once_a_minute_with_how_often_it_came() -> None:
    paper = Paper()
    trouble = Trouble(paper, again_after=60, clock=lambda: paper.now)
    for _ in range(1000):
        trouble.tell("lost", "reset")
        paper.now += 0.05
    assert paper.lines == [("lost", {"why": "reset"})]
    paper.now += 60
    trouble.tell("lost", "reset")
    assert paper.lines[1:] == [("lost", {"why": "reset", "times_before": 999})]


def test_another_reason_is_told_at_once() -> None:
    paper = Paper()
    trouble = Trouble(paper, clock=lambda: paper.now)
    for why in ("reset", "refused", "reset", "refused"):
        trouble.tell("lost", why)
    assert [details["why"] for _, details in paper.lines] == ["reset", "refused"]


def test_its_end_is_told_when_its_beginning_was() -> None:
    paper = Paper()
    trouble = Trouble(paper, clock=lambda: paper.now)
    trouble.over("back")
    for _ in range(3):
        trouble.tell("lost", "reset")
        trouble.over("back")
    assert [event for event, _ in paper.lines] == ["lost", "back"]
