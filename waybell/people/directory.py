"""What callbacks ask the CRM: a courier's card, a parcel's, whose parcels a courier holds. Never from memory."""

from __future__ import annotations

from dataclasses import dataclass

from waybell.people.crm import SqlPeople, explain
from waybell.people.pool import CrmDown
from waybell.people.values import Identity, Source

LONGEST_ID = 100


@dataclass(frozen=True, slots=True)
class CourierCard:
    """A courier as the CRM knows them just now; empty text where it knows nothing.

    ``phone`` is as the CRM writes it. ``manager_extension`` may list several extensions separated by commas.
    """

    id: str
    name: str
    phone: str
    manager_extension: str
    manager_name: str


@dataclass(frozen=True, slots=True)
class ParcelCard:
    """A parcel with one number of its recipient's; empty text where the CRM knows nothing.

    ``courier`` is whoever holds the parcel now. ``number`` is as the CRM writes it.
    """

    parcel: str
    courier: str
    number: str
    name: str
    client: str
    client_name: str


class CrmUnavailableError(ConnectionError):
    """The CRM gave no answer just now, or cannot be asked this; the text is one sentence that says why."""


class Directory:
    """The questions of callbacks, asked of ``people``'s database. Every answer is the CRM's of just now.

    Each method takes no longer than ``crm.deadline`` in all and raises :class:`CrmUnavailableError` when the CRM hangs,
    errs or is down, or when the folder of ``crm.queries`` lacks the file. An id is whatever somebody sent: what is no
    plausible id is nobody's, and the CRM must have it written exactly so (a database may take ``10x`` for ``10``).
    """

    def __init__(self, people: SqlPeople) -> None:
        self._people = people

    async def courier(self, id: str) -> CourierCard | None:  # noqa: A002 - the field's name
        """The courier's card; ``None`` when there is no such courier."""
        cards = [CourierCard(*row) for row in await self._rows("callback_courier", id)]
        return next((card for card in cards if card.id == id), None)

    async def parcel(self, parcel: str) -> tuple[ParcelCard, ...]:
        """The parcel, once for each of its recipient's numbers and each courier who holds it; empty for no parcel."""
        cards = [ParcelCard(*row) for row in await self._rows("callback_parcel", parcel)]
        return tuple(dict.fromkeys(card for card in cards if card.parcel == parcel))

    async def clients(self, courier: str) -> frozenset[str]:
        """The ids of the clients whose parcels this courier holds now."""
        rows = await self._rows("callback_clients", courier)
        return frozenset(client for holder, client in rows if holder == courier and client)

    async def people(self, number: str) -> tuple[Identity, ...]:
        """Everybody behind ``number`` (E.164 digits without plus)."""
        lookup = await self._people.identify(number)
        if lookup.source is not Source.CRM:
            raise CrmUnavailableError(lookup.why)
        return lookup.people

    async def _rows(self, name: str, value: str) -> list[tuple[str, ...]]:
        if not value.isprintable() or not 0 < len(value) <= LONGEST_ID:
            return []
        try:
            return await self._people.rows(name, value)
        except CrmDown as down:
            raise CrmUnavailableError(f"the CRM is down: {down}") from None
        except Exception as error:  # every driver has its own errors
            raise CrmUnavailableError(explain(error, self._people.deadline)) from error
