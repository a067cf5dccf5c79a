"""What each element of a flow does: a node and the facts in, a decision or a verb out. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from waybell.notes import Target
from waybell.numbers import NumberKind, PhoneNumber
from waybell.people.values import Identity, Lookup, PersonKind
from waybell.routing.dialling import Dialling, Ring, display_name, parcel_name, ring_phone, ring_staff
from waybell.routing.flow import IN_HANDS, Element, Node
from waybell.routing.menu import menu_prompts
from waybell.routing.state import MENU_KEYS, Choice, State

_CAUSES = {"BUSY": ("17", "busy"), "NOANSWER": ("19", "no answer")}
_UNREACHABLE = ("20", "not reachable")


@dataclass(frozen=True, slots=True)
class Go:
    """Nothing for the dialplan to do here: leave the node by ``exit``."""

    exit: str
    why: str
    state: State


@dataclass(frozen=True, slots=True)
class Do:
    """The dialplan is to run ``verb`` with ``args``."""

    verb: str
    args: tuple[str, ...]
    why: str
    state: State
    targets: tuple[Target, ...] = ()
    manager: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """All that an element may look at."""

    node: Node
    state: State
    caller: PhoneNumber
    lookup: Lookup | None
    dialling: Dialling
    result: str


def run(
    node: Node, state: State, caller: PhoneNumber, lookup: Lookup | None, dialling: Dialling, result: str
) -> Go | Do:
    """What ``node`` does with this call."""
    return _ELEMENTS[node.element](Context(node, state, caller, lookup, dialling, result))


def _find(context: Context) -> Go:
    state, caller = context.state, context.caller
    if caller.kind in (NumberKind.ANONYMOUS, NumberKind.INVALID):
        return Go(caller.kind.value, f"the caller's number is {caller.kind.value}", state)
    lookup = context.lookup
    person = _first_of(context.node.order, lookup.people if lookup else ())
    if lookup is None or person is None:
        said = f": {lookup.why}" if lookup and lookup.why else ""
        return Go("unknown", f"nobody is known behind {caller.digits or 'this number'}{said}", state)
    known = replace(
        state,
        kind=person.kind.value,
        id=person.id,
        name=person.name or "",
        chosen=_choice(person),
        choices=_choices(lookup.people) if person.kind is PersonKind.RECIPIENT else (),
    )
    cached = f" (from the cache: {lookup.why})" if lookup.why else ""
    return Go(person.kind.value, f"{caller.digits} is {person.kind.value} {person.id}{cached}", known)


def _first_of(order: Iterable[str], people: tuple[Identity, ...]) -> Identity | None:
    for kind in order:
        for person in people:
            if person.kind == kind or (kind == IN_HANDS and _in_hands(person)):
                return person
    return None


def _in_hands(person: Identity) -> bool:
    return person.kind is PersonKind.RECIPIENT and bool(person.courier)


def _choices(people: tuple[Identity, ...]) -> tuple[Choice, ...]:
    by_courier: dict[str, Choice] = {}
    for person in people:
        if _in_hands(person):
            by_courier.setdefault(str(person.courier), _choice(person))
    return tuple(by_courier.values())[:MENU_KEYS]


def _choice(person: Identity) -> Choice:
    return Choice(
        parcel=person.parcel or "",
        courier=person.courier or "",
        courier_name=person.courier_name or "",
        courier_phone=person.courier_phone or "",
        manager=person.manager_extension or "",
        manager_name=person.manager_name or "",
        client=person.client or "",
    )


def _parcels(context: Context) -> Go:
    choices = context.state.choices
    if not choices:
        parcel = context.state.chosen.parcel
        return Go("none", f"parcel {parcel} is not with a courier" if parcel else "no parcel", context.state)
    if len(choices) == 1:
        only = choices[0]
        state = replace(context.state, chosen=only)
        return Go("one", f"parcel {only.parcel} is with courier {only.courier}", state)
    couriers = ", ".join(choice.courier for choice in choices)
    return Go("several", f"parcels are with {len(choices)} couriers: {couriers}", context.state)


def _menu(context: Context) -> Go | Do:
    state, node = context.state, context.node
    if not state.choices:
        return Go("exhausted", "there is nothing to choose from", state)
    again = state.attempts > 0
    why = "wrong key: the choice is offered again" if again else "the caller chooses a courier with a key"
    prompts = "&".join(menu_prompts(state.choices, again=again))
    return Do("menu", (prompts, str(node.seconds), context.dialling.language), why, state)


def _dial(context: Context) -> Go | Do:
    ring, who, manager = _DIAL_TO[context.node.to](context)
    if ring is None:
        return Go("no_number", f"{who}: no number to ring", context.state)
    number, name = _shown(context)
    args = (ring.dial, str(context.dialling.ring_seconds), number, name)
    return Do("dial", args, f"ring {who}", context.state, ring.targets, manager)


def _to_courier(context: Context) -> tuple[Ring | None, str, str]:
    chosen = context.state.chosen
    if not chosen.courier:
        return None, "courier (none)", ""
    ring = ring_phone(
        context.dialling, chosen.courier_phone, kind="courier", id_=chosen.courier, name=chosen.courier_name
    )
    return ring, f"courier {chosen.courier}", ""


def _to_manager(context: Context) -> tuple[Ring | None, str, str]:
    chosen = context.state.chosen
    ring = ring_staff(context.dialling, chosen.manager, name=chosen.manager_name)
    if not chosen.manager:
        return None, "manager (none known)", ""
    return ring, f"manager {chosen.manager_name}".rstrip() + f" ({chosen.manager})", chosen.manager


def _to_office(context: Context) -> tuple[Ring | None, str, str]:
    office = context.dialling.office
    return ring_staff(context.dialling, office, name="office"), f"the office ({office})", ""


_DIAL_TO: dict[str, Callable[[Context], tuple[Ring | None, str, str]]] = {
    "courier": _to_courier,
    "manager": _to_manager,
    "office": _to_office,
}


def _shown(context: Context) -> tuple[str, str]:
    state, dialling = context.state, context.dialling
    hide = context.node.show == "company" and not dialling.show_recipient
    number = dialling.company_number if hide else state.number
    if context.node.show == "company":
        return number, parcel_name(dialling, state.chosen.parcel)
    return number, display_name(state.name)


def _hangup(context: Context) -> Do:
    cause, why = _CAUSES.get(context.result, _UNREACHABLE)
    return Do("hangup", (cause,), f"nobody is left to ring: {why}", context.state)


_ELEMENTS: dict[Element, Callable[[Context], Go | Do]] = {
    Element.FIND: _find,
    Element.PARCELS: _parcels,
    Element.MENU: _menu,
    Element.DIAL: _dial,
    Element.HANGUP: _hangup,
}
