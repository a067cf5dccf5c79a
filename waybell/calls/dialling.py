"""One channel of a conversation, and one try to reach somebody: what is known of each so far."""

from __future__ import annotations

CALLING = -2
"""The ``attempt`` of a channel that nobody rang: it called by itself, and its call was linked to this one."""
ELSEWHERE = -9
"""The ``note`` of an attempt that no note speaks of: somebody else than the caller dialled, or transferred."""


class Channel:
    """One channel; ``attempt`` is the number of the attempt (from 0) whose dialling made it, -1 for none.

    ``begun``: whether the log has its beginning. ``joined``: when it first heard the caller. ``pipe``: the Local
    channel that it is a half of.
    """

    __slots__ = (
        *("answered", "attempt", "begun", "cause", "dialstatus", "ended", "hung_up", "joined", "name", "num", "pipe"),
        "started",
    )

    def __init__(self, name: str, started: int, attempt: int) -> None:
        self.name = name
        self.num = ""
        self.started = started
        self.attempt = attempt
        self.answered: int | None = None
        self.ended: int | None = None
        self.joined: int | None = None
        self.cause: int | None = None
        self.dialstatus = ""
        self.hung_up = False
        self.pipe = ""
        self.begun = False

    @property
    def is_leg(self) -> bool:
        """Whether it is a phone that was rung, or that took the call."""
        return not self.pipe and (self.attempt != CALLING or self.joined is not None)


class Attempt:
    """One try to reach somebody: a step that dials, and the dial strings it dialled.

    ``pipe``: the Local channel behind which it happened; ``to``: where somebody was transferred to.
    """

    __slots__ = ("note", "parts", "pipe", "to")

    def __init__(self, note: int, parts: list[str], pipe: str = "", to: str = "") -> None:
        self.note = note
        self.parts = parts
        self.pipe = pipe
        self.to = to
