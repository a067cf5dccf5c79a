"""What the CRM knows of a wish, put before the rules. Always asked anew: a call that costs money is not guessed."""

from __future__ import annotations

from typing import Protocol

import structlog

from waybell.callbacks import rules
from waybell.callbacks.destinations import Policy, digits_of
from waybell.callbacks.values import ByNumber, ByParcel, ByPhones, Click, Plan, RefusedError, Wish
from waybell.people.directory import CourierCard, CrmUnavailableError, ParcelCard
from waybell.people.values import Identity, PersonKind

_RETRY_SECONDS = 5
_LONGEST_ID = 100


class CardFile(Protocol):
    """The CRM as callbacks ask it; see :class:`waybell.people.directory.Directory`."""

    async def courier(self, courier_id: str) -> CourierCard | None:
        """A courier's card."""
        ...

    async def parcel(self, parcel: str) -> tuple[ParcelCard, ...]:
        """A parcel's cards, one for each number of its recipient's."""
        ...

    async def clients(self, courier_id: str) -> frozenset[str]:
        """The clients whose parcels a courier holds."""
        ...

    async def people(self, number: str) -> tuple[Identity, ...]:
        """Everybody behind a number."""
        ...


class Asking:
    """From a wish to a plan. Raises :class:`~waybell.callbacks.values.RefusedError`, 503 when the CRM has no answer."""

    def __init__(self, cards: CardFile, policy: Policy) -> None:
        self._cards, self._policy = cards, policy

    async def plan(self, wish: Wish) -> Plan:
        """Whom the call joins, if it may be."""
        try:
            return await self._plan(wish)
        except CrmUnavailableError as error:
            # The driver's words are for the log: they may name accounts and addresses.
            structlog.get_logger("callbacks").error("the crm gave no answer for a call to be placed", why=str(error))
            detail = "The CRM gives no answer just now, so nobody is called: ask again in a moment."
            raise RefusedError("crm-unavailable", 503, "CRM unavailable", detail, _RETRY_SECONDS) from error

    async def _plan(self, wish: Wish) -> Plan:
        if isinstance(wish, ByParcel):
            courier, cards = await self._courier(wish.courier), await self._cards.parcel(wish.parcel[:_LONGEST_ID])
            return rules.by_parcel(courier, cards, wish, self._policy)
        if isinstance(wish, ByNumber):
            return await self._by_number(wish, await self._courier(wish.courier))
        if isinstance(wish, ByPhones) and wish.workplace and rules.is_extension(wish.caller, self._policy):
            # An operator's workplace: its software speaks AMI too.
            return rules.click(wish.caller, wish.to, await self._people(wish.to), self._policy)
        if isinstance(wish, ByPhones):
            return await self._by_number(wish, await self._whose(wish.caller))
        if isinstance(wish, Click):
            return rules.click(wish.extension, wish.to, await self._people(wish.to), self._policy)
        return rules.trial(wish.caller, wish.to, self._policy)

    async def _by_number(self, wish: ByNumber | ByPhones, courier: CourierCard | None) -> Plan:
        clients = await self._cards.clients(courier.id) if courier else frozenset()
        return rules.by_number(courier, wish.to, await self._people(wish.to), clients, wish, self._policy)

    async def _courier(self, courier_id: str) -> CourierCard | None:
        return await self._cards.courier(courier_id) if 0 < len(courier_id) <= _LONGEST_ID else None

    async def _whose(self, phone: str) -> CourierCard | None:
        couriers = [person for person in await self._people(phone) if person.kind is PersonKind.COURIER]
        return await self._courier(couriers[0].id) if couriers else None

    async def _people(self, number: str) -> tuple[Identity, ...]:
        digits = digits_of(number, self._policy)
        return await self._cards.people(digits) if digits else ()
