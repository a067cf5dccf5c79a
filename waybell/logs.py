"""Logs: one event a line on standard error, for people or for collectors."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def set_up_logs(level: str, form: str) -> None:
    """Logs from ``level`` up; ``form`` is ``text`` or ``json``."""
    least = logging.getLevelNamesMapping()[level.upper()]
    render: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if form == "text":
        # The renderer of its own choice shows every variable of a traceback: passwords, names and numbers among them.
        plain = structlog.dev.plain_traceback
        render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([structlog.processors.format_exc_info] if form == "json" else []),
            structlog.processors.UnicodeDecoder(),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
