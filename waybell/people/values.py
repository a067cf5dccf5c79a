"""Who is behind a number: frozen values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class PersonKind(StrEnum):
    """What somebody is to the courier company. A client's contact person is a ``client``."""

    RECIPIENT = "recipient"
    COURIER = "courier"
    CLIENT = "client"
    EMPLOYEE = "employee"


class Source(StrEnum):
    """Where an answer came from: the CRM just now, our cache because the CRM failed, or nowhere."""

    CRM = "crm"
    CACHE = "cache"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Identity:
    """One row of ``identify.sql``: a person, or a recipient with one of their parcels.

    All fields are text as the CRM holds it; ``None`` where it holds nothing. ``courier`` is set only
    while the parcel is in that courier's hands. ``manager_extension`` may list several extensions
    separated by commas (``199,100``).
    """

    kind: PersonKind
    id: str
    name: str | None = None
    parcel: str | None = None
    courier: str | None = None
    courier_name: str | None = None
    courier_phone: str | None = None
    manager_extension: str | None = None
    manager_name: str | None = None
    client: str | None = None
    client_name: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """Everybody behind one number, and how far the answer can be trusted.

    ``why`` says in one sentence what went wrong when ``source`` is not ``crm``; else it is empty.
    """

    people: tuple[Identity, ...]
    source: Source
    why: str = ""


class People(Protocol):
    """The port to the CRM."""

    async def identify(self, number: str) -> Lookup:
        """Everybody behind ``number`` (E.164 digits without plus). Never raises, never outlasts its deadline."""
        ...
