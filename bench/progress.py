"""What is being done, and for how long already."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status


class Progress:
    """On a terminal one line that changes; elsewhere a line for each thing begun."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("", console=console)
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def say(self, what: str) -> None:
        """``what`` begins now."""
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        text = f"{minutes}:{seconds:02} {what}"
        if self._console.is_terminal:
            self._status.update(text)
        else:
            self._console.print(text, highlight=False, soft_wrap=True)
