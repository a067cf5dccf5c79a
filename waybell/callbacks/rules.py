"""Who may call whom. Pure: what the CRM knows comes in as values, a :class:`Plan` or a refusal comes out.

A courier may reach the recipients and the clients of the parcels they hold now, their manager and the office. And every
number, theirs too, must be one that may be called at all: see :mod:`waybell.callbacks.destinations`. What the CRM holds
about a recipient is told to no courier, not even in a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from waybell import numbers
from waybell.callbacks.destinations import (
    Policy,
    allowed_digits,
    clipped,
    destination,
    digits_of,
    entries,
    is_extension,
    shown,
)
from waybell.callbacks.values import ByNumber, ByParcel, ByPhones, Kind, Party, Plan, RefusedError
from waybell.number_charges import is_emergency
from waybell.numbers import NumberKind
from waybell.people.directory import CourierCard, ParcelCard
from waybell.people.values import Identity, PersonKind

__all__ = ["Policy", "by_number", "by_parcel", "click", "destination", "digits_of", "is_extension", "trial"]

_NO_TELEPHONE = frozenset((NumberKind.INVALID, NumberKind.ANONYMOUS, NumberKind.EXTENSION))


def by_parcel(courier: CourierCard | None, cards: Sequence[ParcelCard], wish: ByParcel, policy: Policy) -> Plan:
    """The courier and the recipient of a parcel of theirs; ``cards`` are that parcel's, one a number.

    Raises :class:`~waybell.callbacks.values.RefusedError`: ``unknown-courier`` 404, ``foreign-parcel`` 403,
    ``no-number`` and ``no-recipient-number`` 409, or as :func:`destination`.
    """
    known = _known(courier, wish.courier)
    held = [card for card in cards if card.parcel == wish.parcel and card.courier == known.id]
    if not held:
        # Whether there is such a parcel is nobody's business but its courier's.
        detail = f"Parcel {shown(wish.parcel)} is not with courier {_name(known)} now: reload your parcels."
        raise RefusedError("foreign-parcel", 403, "Not your parcel", detail)
    first = _courier_party(known, known.phone, policy)
    card, digits = _recipient(held, policy)
    second = Party(digits, "recipient", card.parcel, card.name)
    return _plan(Kind.CALLBACK, first, second, known.id, card.parcel, card.client)


def by_number(
    courier: CourierCard | None,
    to: str,
    people: Sequence[Identity],
    clients_held: frozenset[str],
    wish: ByNumber | ByPhones,
    policy: Policy,
) -> Plan:
    """The courier and the number ``to``, if it is somebody's whom they may reach.

    ``people`` are behind that number (see :func:`digits_of`), ``clients_held`` the clients whose parcels the courier
    holds. With :class:`ByPhones` the courier is whoever the CRM knows by the phone ``wish.caller``, and that phone is
    rung. Raises :class:`~waybell.callbacks.values.RefusedError`: ``unknown-courier`` 404, ``not-your-customer`` 403,
    ``no-number`` 409, or as :func:`destination`.
    """
    known = _known(courier, wish.caller if isinstance(wish, ByPhones) else wish.courier)
    colleagues = _colleagues(known, policy)
    ours = [party.number for party in colleagues.values() if is_extension(party.number, policy)]
    digits = allowed_digits(to, policy, known=ours)
    colleague = colleagues.get(digits)
    about = _About(colleague) if colleague else _reachable(known, digits, people, clients_held)
    if about is None:
        who = f"courier {_name(known)}: only customers of parcels with them, their manager and the office can be called"
        raise RefusedError("not-your-customer", 403, "Not your customer", f"{shown(to)} is no number for {who}.")
    first = _courier_party(known, wish.caller if isinstance(wish, ByPhones) else known.phone, policy)
    return _plan(Kind.CALLBACK, first, about.party, known.id, about.parcel, about.client)


def click(extension: str, to: str, people: Sequence[Identity], policy: Policy) -> Plan:
    """An employee's ``extension`` and the number ``to``, which may be an extension too; ``people`` are behind it.

    Raises :class:`~waybell.callbacks.values.RefusedError`: ``invalid-extension`` 422, or as :func:`destination`.
    """
    first = Party(_extension(extension, policy), "employee")
    digits = allowed_digits(to, policy, extensions=True)
    about = _about(people[0], digits) if people else _About(Party(digits))
    return _plan(Kind.CLICK, first, about.party, about.courier, about.parcel, about.client)


def trial(caller: str, to: str, policy: Policy) -> Plan:
    """Two phones that an admin joins to see whether it works; raises as :func:`destination`."""
    first, second = (destination(raw, policy, extensions=True) for raw in (caller, to))
    return _plan(Kind.TEST, first, second)


@dataclass(frozen=True, slots=True)
class _About:
    """Somebody to be rung, and what the call is about."""

    party: Party
    courier: str = ""
    parcel: str = ""
    client: str = ""


def _known(courier: CourierCard | None, wanted: str) -> CourierCard:
    if courier is None or not courier.id:
        detail = f"The CRM knows no courier by {shown(wanted)}: check the courier's card."
        raise RefusedError("unknown-courier", 404, "Unknown courier", detail)
    return courier


def _name(courier: CourierCard) -> str:
    return clipped(courier.name or courier.id)


def _courier_party(courier: CourierCard, phone: str, policy: Policy) -> Party:
    number = numbers.parse(phone, policy.plan)
    if number.kind in _NO_TELEPHONE and digits_of(phone, policy) not in policy.allowed_numbers:
        card = f"holds {shown(phone)}, which is no telephone number" if phone.strip() else "has no mobile number"
        detail = f"The card of courier {_name(courier)} {card}: ask the office to enter the number."
        raise RefusedError("no-number", 409, "The courier has no number", detail)
    digits = allowed_digits(phone, policy, subject=f"The phone of courier {_name(courier)}")
    return Party(digits, "courier", courier.id, courier.name)


def _recipient(held: Sequence[ParcelCard], policy: Policy) -> tuple[ParcelCard, str]:
    """The first number of the recipient's that may be called; else the refusal of the first that is one."""
    parcel = shown(held[0].parcel)
    refused: RefusedError | None = None
    for card in held:
        try:
            return card, allowed_digits(card.number, policy, subject=f"The number of the recipient of parcel {parcel}")
        except RefusedError as error:
            refused = refused or (error if error.status == 403 and error.type != "extension-number" else None)
    detail = f"The recipient of parcel {parcel} has no telephone number in the CRM: ask the office to enter it."
    raise refused or RefusedError("no-recipient-number", 409, "The recipient has no number", detail)


def _colleagues(courier: CourierCard, policy: Policy) -> dict[str, Party]:
    """By their digits: the courier's manager, the office; the company's own number is the office too."""
    managers = _parties(courier.manager_extension, courier.manager_name, policy)
    office = _parties(policy.office, "office", policy)
    company = digits_of(policy.company_number, policy) if policy.company_number else ""
    if company and office:
        office[company] = next(iter(office.values()))
    return office | managers


def _parties(raw: str, name: str, policy: Policy) -> dict[str, Party]:
    found = (digits_of(entry, policy) for entry in entries(raw))
    return {digits: Party(digits, "employee", "", name) for digits in found if digits}


def _reachable(
    courier: CourierCard, digits: str, people: Sequence[Identity], clients_held: frozenset[str]
) -> _About | None:
    """Their own recipients first: those are about a parcel."""
    for person in people:
        if person.kind is PersonKind.RECIPIENT and person.courier == courier.id:
            return _about(person, digits)
    for person in people:
        if person.kind is PersonKind.CLIENT and clients_held.intersection(_client_ids(person)):
            return _about(person, digits)
    return None


def _client_ids(person: Identity) -> tuple[str, ...]:
    # A contact person has an id of their own; the client is named beside it.
    return (person.client,) if person.client else (person.id,)


def _about(person: Identity, digits: str) -> _About:
    party = Party(digits, person.kind.value, person.id, person.name or "")
    match person.kind:
        case PersonKind.RECIPIENT:
            return _About(party, person.courier or "", person.parcel or "", person.client or "")
        case PersonKind.CLIENT:
            return _About(party, client=_client_ids(person)[0])
        case PersonKind.COURIER:
            return _About(party, courier=person.id)
        case _:
            return _About(party)


def _extension(listed: str, policy: Policy) -> str:
    """The first of an employee's extensions, as CRMs list them (``199,100``)."""
    raw = listed.partition(",")[0]
    shortest, longest = policy.plan.extension_digits
    plausible = raw.isascii() and raw.isdigit() and shortest <= len(raw) <= longest
    if plausible and is_emergency(raw, policy.plan.region):
        detail = f"{shown(raw)} is an emergency number: give the extension whose phone is to ring."
        raise RefusedError("emergency-number", 403, "Emergency number", detail)
    if not (plausible and is_extension(raw, policy)):
        detail = f"{shown(raw)} is no extension: give its {shortest} to {longest} digits."
        raise RefusedError("invalid-extension", 422, "Not an extension", detail)
    return raw


def _plan(kind: Kind, first: Party, second: Party, courier: str = "", parcel: str = "", client: str = "") -> Plan:
    if first.number == second.number:
        detail = "Both phones are the same one: give the number of whoever is to be called."
        raise RefusedError("same-number", 409, "Both phones are the same", detail)
    return Plan(kind, first, second, courier, parcel, client)
