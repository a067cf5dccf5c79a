"""What each element of a flow does: a call at a node in, a decision or a verb out. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from waybell.numbers import NumberKind
from waybell.people.values import Identity, PersonKind
from waybell.routing.aftercare import ask_rating, is_rated, record_first, take_comment
from waybell.routing.dialling import Ring, display_name, parcel_name, ring_office, ring_phone, ring_staff
from waybell.routing.extras import NO_EXTRAS
from waybell.routing.flow import IN_HANDS, Element
from waybell.routing.menu import fitting, menu_prompts
from waybell.routing.state import MENU_KEYS, Choice, short_name
from waybell.routing.walk import Do, Go, Walk

_CAUSES = {"BUSY": ("17", "busy"), "NOANSWER": ("19", "no answer")}
_UNREACHABLE = ("20", "not reachable")


def run(walk: Walk) -> Go | Do:
    """What the node does with the call that has come to it."""
    return _ELEMENTS[walk.node.element](walk)


def _find(walk: Walk) -> Go:
    caller, lookup = walk.caller, walk.lookup
    if caller.kind is NumberKind.ANONYMOUS:
        return Go("anonymous", "the caller's number is anonymous")
    if not caller.has_e164:
        shown = f"{caller.digits} is no number from outside" if caller.digits else "the caller's number is invalid"
        return Go("invalid", shown)
    person = _first_of(walk.node.order, lookup.people if lookup else ())
    if lookup is None or person is None:
        said = f": {lookup.why}" if lookup and lookup.why else ""
        return Go("unknown", f"nobody is known behind {caller.digits}{said}")
    walk.kind = kind = person.kind.value
    walk.id = person.id
    walk.name = short_name(person.name)
    walk.chosen = _choice(person)
    walk.choices = _choices(lookup.people, person, walk.chosen) if person.kind is PersonKind.RECIPIENT else ()
    cached = f" (from the cache: {lookup.why})" if lookup.why else ""
    return Go(kind, f"{caller.digits} is {kind} {person.id}{cached}")


def _first_of(order: Iterable[str], people: tuple[Identity, ...]) -> Identity | None:
    for kind in order:
        for person in people:
            if person.kind == kind or (kind == IN_HANDS and _in_hands(person)):
                return person
    return None


def _in_hands(person: Identity) -> bool:
    return person.kind is PersonKind.RECIPIENT and bool(person.courier)


def _choices(people: tuple[Identity, ...], known: Identity, choice: Choice) -> tuple[Choice, ...]:
    by_courier: dict[str, Choice] = {}
    for person in people:
        if _in_hands(person) and person.courier not in by_courier:
            by_courier[str(person.courier)] = choice if person is known else _choice(person)
    return tuple(by_courier.values())[:MENU_KEYS]


def _choice(person: Identity) -> Choice:
    return Choice(
        person.parcel or "",
        person.courier or "",
        short_name(person.courier_name),
        person.courier_phone or "",
        person.manager_extension or "",
        short_name(person.manager_name),
        person.client or "",
    )


def _parcels(walk: Walk) -> Go:
    choices = walk.choices
    if len(choices) == 1:
        # Nothing is left to choose, so no more is carried than who was chosen.
        walk.chosen, walk.choices = choices[0], ()
    chosen = walk.chosen
    if not walk.choices and chosen.courier and walk.kind == PersonKind.RECIPIENT:
        return Go("one", f"parcel {chosen.parcel} is with courier {chosen.courier}")
    if not choices:
        return Go("none", f"parcel {chosen.parcel} is not with a courier" if chosen.parcel else "no parcel")
    couriers = ", ".join(choice.courier for choice in choices)
    return Go("several", f"parcels are with {len(choices)} couriers: {couriers}")


def _menu(walk: Walk) -> Go | Do:
    offered = fitting(walk.state())
    if not offered:
        return Go("exhausted", "there is nothing to choose from")
    left_out = len(walk.choices) - len(offered)
    walk.choices = offered
    again = walk.attempts > 0
    why = "wrong key: the choice is offered again" if again else "the caller chooses a courier with a key"
    if left_out:
        why += f"; there is no room for {left_out} more"
    prompts = "&".join(menu_prompts(offered, again=again))
    return Do("menu", (prompts, str(walk.node.seconds), walk.dialling.language), why)


def _dial(walk: Walk) -> Go | Do:
    ring, who, manager = _DIAL_TO[walk.node.to](walk)
    if not ring.dial:
        return Go("no_number", f"{who}: {ring.refused or 'no number to ring'}")
    verb = "dial"
    if walk.extras is not NO_EXTRAS:
        if recording := record_first(walk):
            return recording
        if is_rated(walk):
            verb = "stay"
    number, name = _shown(walk)
    args = (ring.dial, str(walk.dialling.ring_seconds), number, name)
    return Do(verb, args, f"ring {who}; {ring.refused}" if ring.refused else f"ring {who}", ring.targets, manager)


def _to_courier(walk: Walk) -> tuple[Ring, str, str]:
    chosen = walk.chosen
    if not chosen.courier:
        return Ring(), "courier (none)", ""
    ring = ring_phone(walk.dialling, chosen.courier_phone, "courier", chosen.courier, chosen.courier_name)
    return ring, f"courier {chosen.courier}", ""


def _to_manager(walk: Walk) -> tuple[Ring, str, str]:
    chosen = walk.chosen
    if not chosen.manager:
        return Ring(), "manager (none known)", ""
    ring = ring_staff(walk.dialling, chosen.manager, chosen.manager_name)
    return ring, f"manager {chosen.manager_name}".rstrip() + f" ({chosen.manager})", chosen.manager


def _to_office(walk: Walk) -> tuple[Ring, str, str]:
    return ring_office(walk.dialling), f"the office ({walk.dialling.office})", ""


_DIAL_TO: dict[str, Callable[[Walk], tuple[Ring, str, str]]] = {
    "courier": _to_courier,
    "manager": _to_manager,
    "office": _to_office,
}


def _shown(walk: Walk) -> tuple[str, str]:
    dialling = walk.dialling
    if walk.node.show != "company":
        return walk.number, display_name(walk.name)
    number = walk.number if dialling.show_recipient else dialling.company_number
    return number, parcel_name(dialling, walk.chosen.parcel)


def _hangup(walk: Walk) -> Do:
    if walk.over:
        return Do("hangup", ("16",), "the call is over")
    cause, why = _CAUSES.get(walk.result, _UNREACHABLE)
    return Do("hangup", (cause,), f"nobody is left to ring: {why}")


_ELEMENTS: dict[Element, Callable[[Walk], Go | Do]] = {
    Element.FIND: _find,
    Element.PARCELS: _parcels,
    Element.MENU: _menu,
    Element.DIAL: _dial,
    Element.RATE: ask_rating,
    Element.COMMENT: take_comment,
    Element.HANGUP: _hangup,
}
