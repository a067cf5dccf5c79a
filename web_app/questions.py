"""What all questions to the journal have in common: times as people write them, and errors as problems."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError

from waybell.calls.queries import BadFilterError, parse_time
from waybell.calls.search_deadline import TooSlowError
from web_app.problems import ProblemError

_RETRY = {"Retry-After": "2"}


def moment(name: str, text: str | None) -> int | None:
    """The time ``text`` of the filter ``name`` in microseconds. Raises what :func:`told` tells."""
    try:
        # The plus of a time zone that was not escaped comes as a space.
        return None if text is None else parse_time(text[:16] + text[16:].replace(" ", "+"))
    except ValueError as error:
        raise BadFilterError(name, str(error)) from None


@contextmanager
def told() -> Iterator[None]:
    """The journal's errors inside the block as problems."""
    try:
        yield
    except BadFilterError as error:
        fault = {"type": "value_error", "loc": ("query", error.name), "msg": error.problem, "input": None}
        raise RequestValidationError([fault]) from None
    except TooSlowError as error:
        raise ProblemError("search-too-slow", 503, "The search takes too long", f"Sorry: {error}.", _RETRY) from None
    except (SQLAlchemyError, OSError) as error:
        detail = "Waybell's own database gives no answer just now; ask again."
        raise ProblemError("store-unavailable", 503, "Store unavailable", detail, _RETRY) from error
