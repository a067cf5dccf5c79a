"""A flow: the way of a call as a document. Read once, checked whole, then an immutable value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from waybell.people.values import PersonKind


class FlowError(ValueError):
    """The flow document cannot be used; the message names the file, the node and what is allowed."""


class Element(StrEnum):
    """What a node of a flow does."""

    FIND = "find"
    PARCELS = "parcels"
    MENU = "menu"
    DIAL = "dial"
    RATE = "rate"
    COMMENT = "comment"
    HANGUP = "hangup"


IN_HANDS = "recipient_in_hands"
"""The kind, in a ``find`` node's order, of a recipient with a parcel in a courier's hands right now."""

# A node's name travels through the dialplan, where commas and dots are syntax.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_DIAL_EXITS = frozenset({"no_number", "busy", "no_answer", "unreachable", "answered"})
_EXITS: Mapping[Element, frozenset[str]] = {
    Element.FIND: frozenset({*PersonKind, "unknown", "anonymous", "invalid"}),
    Element.PARCELS: frozenset({"one", "several", "none"}),
    Element.MENU: frozenset({"chosen", "wrong", "timeout", "exhausted"}),
    Element.DIAL: _DIAL_EXITS,
    Element.RATE: frozenset({"rated", "declined", "skipped"}),
    Element.COMMENT: frozenset({"done"}),
    Element.HANGUP: frozenset(),
}
_ORDER = frozenset({*PersonKind, IN_HANDS})
_OPTIONS: Mapping[Element, Mapping[str, tuple[object, ...]]] = {
    Element.FIND: {},
    Element.PARCELS: {},
    Element.MENU: {"attempts": tuple(range(1, 11)), "seconds": tuple(range(1, 61))},
    Element.DIAL: {"to": ("courier", "manager", "office"), "show": ("company", "caller")},
    Element.RATE: {},
    Element.COMMENT: {},
    Element.HANGUP: {},
}


@dataclass(frozen=True, slots=True)
class Node:
    """One element of a flow: its name, what it does, its options and where each exit leads."""

    name: str
    element: Element
    exits: Mapping[str, str]
    order: tuple[str, ...] = ()
    to: str = ""
    show: str = ""
    attempts: int = 3
    seconds: int = 6


@dataclass(frozen=True, slots=True)
class Flow:
    """A checked graph: every exit of every node leads to a node of the flow."""

    name: str
    start: str
    nodes: Mapping[str, Node]


def load_flow(path: Path) -> Flow:
    """The flow in the YAML file ``path``. Raises :class:`FlowError`."""
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FlowError(f"{path}: cannot be read as a flow: {' '.join(str(error).split())}") from error
    try:
        return _flow(document)
    except FlowError as error:
        raise FlowError(f"{path}: {error}") from None


def default_flow() -> Flow:
    """The flow that comes with Waybell."""
    return load_flow(Path(__file__).with_name("default.yaml"))


def _flow(document: object) -> Flow:
    fields = _mapping(document, "the document", {"name", "start", "nodes"})
    nodes = {name: _node(name, value) for name, value in _mapping(fields.get("nodes"), "nodes").items()}
    flow = Flow(str(fields.get("name", "")), str(fields.get("start", "")), MappingProxyType(nodes))
    if flow.start not in nodes:
        raise FlowError(f"start: {flow.start!r} is no node; allowed: {', '.join(sorted(nodes))}")
    for node in nodes.values():
        _check_exits(node, nodes)
    return flow


def _node(name: str, value: object) -> Node:
    where = f"nodes.{name}"
    if not _NAME.fullmatch(name):
        raise FlowError(f"nodes: {name!r} cannot be a node's name; letters, digits, - and _ are allowed")
    fields = _mapping(value, where)
    if fields.get("element") not in set(Element):
        raise FlowError(f"{where}.element: {fields.get('element')!r}; allowed: {', '.join(Element)}")
    element = Element(str(fields["element"]))
    options = dict(_OPTIONS[element])
    known = {"element", "exits", *options} | ({"order"} if element is Element.FIND else set())
    _mapping(value, where, known)
    exits = _mapping(fields.get("exits", {}), f"{where}.exits", set(_EXITS[element]))
    chosen = {key: _option(f"{where}.{key}", fields[key], options[key]) for key in options if key in fields}
    if element is Element.DIAL and set(chosen) != {"to", "show"}:
        raise FlowError(f"{where}: a dial node needs both 'to' and 'show'")
    order = _order(where, fields.get("order", ())) if element is Element.FIND else ()
    return Node(name, element, MappingProxyType({k: str(v) for k, v in exits.items()}), order=order, **chosen)


def _option(where: str, value: object, allowed: tuple[object, ...]) -> Any:
    if isinstance(value, bool) or value not in allowed:
        shown = f"{allowed[0]} to {allowed[-1]}" if isinstance(allowed[0], int) else ", ".join(map(str, allowed))
        raise FlowError(f"{where}: {value!r}; allowed: {shown}")
    return value


def _order(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not set(map(str, value)) <= _ORDER or not value:
        raise FlowError(f"{where}.order: a list of {', '.join(sorted(_ORDER))}, not {value!r}")
    return tuple(map(str, value))


def _mapping(value: object, where: str, known: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FlowError(f"{where}: a mapping was expected, not {value!r}")
    unknown = sorted(str(key) for key in value if known is not None and key not in known)
    if unknown:
        raise FlowError(f"{where}: unknown {unknown[0]!r}; allowed: {', '.join(sorted(known or ())) or 'nothing'}")
    return {str(key): item for key, item in value.items()}


def _check_exits(node: Node, nodes: Mapping[str, Node]) -> None:
    missing = sorted(_EXITS[node.element] - set(node.exits))
    if missing:
        raise FlowError(f"nodes.{node.name}.exits: {missing[0]!r} leads nowhere; name a node for it")
    for exit_name, target in node.exits.items():
        if target not in nodes:
            raise FlowError(f"nodes.{node.name}.exits.{exit_name}: {target!r} is no node")
