"""The people of the routing tests."""

from __future__ import annotations

from waybell import numbers
from waybell.people.values import Identity, Lookup, PersonKind, Source
from waybell.routing.dialling import Dialling
from waybell.routing.step import Facts

DIALLING = Dialling(company_number="74951234567")
RECIPIENT = "79161234567"


def in_hands(
    parcel: str = "10", courier: str = "11", phone: str | None = "79010000011", manager: str | None = "199,100"
) -> Identity:
    """A recipient whose parcel is with a courier."""
    return Identity(
        PersonKind.RECIPIENT,
        parcel,
        "Olga",
        parcel=parcel,
        courier=courier,
        courier_name=f"Courier {courier}",
        courier_phone=phone,
        manager_extension=manager,
        manager_name="Anna",
        client="3",
        client_name="Shop",
    )


WAITING = Identity(PersonKind.RECIPIENT, "20", "Olga", parcel="20", client="3")
COURIER = Identity(PersonKind.COURIER, "11", "Ivan", courier="11", manager_extension="199,100", manager_name="Anna")
LONELY_COURIER = Identity(PersonKind.COURIER, "12", "Petr", courier="12")
CLIENT = Identity(PersonKind.CLIENT, "3", "Shop", client="3", manager_extension="101", manager_name="Boris")


def facts(
    *people: Identity,
    number: str = RECIPIENT,
    dialling: Dialling = DIALLING,
    source: Source = Source.CRM,
    why: str = "",
) -> Facts:
    """What a first step knows when ``people`` are behind ``number``."""
    return Facts(numbers.parse(number), dialling, "74951234567", Lookup(people, source, why))
