"""A body of the receiver's own making: text in which ``{data.call.parcel}`` is replaced by the event's value. Pure.

Nothing in a template is run. A value is escaped for where it goes, so that no caller's name can change what is around
it: as a whole JSON value, as text of an XML element or attribute, as a value of a form, or as one line of plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus
from xml.sax.saxutils import quoteattr

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*)\}")
_ROOTS = frozenset(("id", "type", "source", "time", "subject", "data"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


def check(template: str, content_type: str) -> None:
    """Raises :class:`ValueError` when ``template`` names what no event has, or is no JSON where it should be."""
    for path in _PLACE.findall(template):
        if path.partition(".")[0] not in _ROOTS:
            raise ValueError(f"template: {{{path}}} is in no event; allowed are {', '.join(sorted(_ROOTS))} and below")
    if content_type == "application/json":
        try:
            json.loads(_PLACE.sub('"x"', template))
        except ValueError as error:
            raise ValueError(f"template: is no JSON ({error}); a {{place}} stands for a whole value") from None


def render(template: str, content_type: str, event: Mapping[str, Any]) -> str:
    """``template`` with the values of ``event``; one that is not there is empty (in JSON ``null``)."""
    escape = _ESCAPES[content_type]
    return _PLACE.sub(lambda match: escape(_value(event, match[1])), template)


def _value(event: Mapping[str, Any], path: str) -> Any:
    found: Any = event
    for name in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | list | Mapping):
        value = json.dumps(value, ensure_ascii=False)
    return _CONTROL.sub(" ", str(value))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _xml(value: Any) -> str:
    return quoteattr(_text(value), {'"': "&quot;", "'": "&apos;"})[1:-1]


_ESCAPES: dict[str, Callable[[Any], str]] = {
    "application/json": _json,
    "application/xml": _xml,
    "application/x-www-form-urlencoded": lambda value: quote_plus(_text(value)),
    "text/plain": _text,
}
