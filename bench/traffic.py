"""The calls of the benchmark: who calls, and who has to be rung. Deterministic; no number twice in a round."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from lab.crm_data import Company

# Out of every twenty calls.
_MIX = ("recipient",) * 12 + ("courier",) * 3 + ("client",) * 3 + ("stranger",) * 2
# Any number without a divisor in common with the companies' sizes: neighbours in a round are far apart in the tables.
_STRIDE = 7919
OFFICE = "PJSIP/500"


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """``caller`` (E.164 digits) dials ``dialled``; ``dial`` is the dial string that must come of it.

    ``dialled`` itself says whom to ring, so that a dialplan that looks nobody up rings the same phones.
    """

    caller: str
    dialled: str
    dial: str


class Traffic:
    """60 % recipients whose parcel one courier holds, 15 % couriers, 15 % clients, 10 % strangers, well mixed.

    Every call of a whole run has another recipient or stranger; couriers and clients come again once all of them
    have called.
    """

    def __init__(self, company: Company) -> None:
        self._company = company
        self._made = dict.fromkeys(_MIX, 0)
        self._random = random.Random(1)
        self._makers: dict[str, Callable[[int], PlannedCall]] = {
            "recipient": self._recipient,
            "courier": self._courier,
            "client": self._client,
            "stranger": self._stranger,
        }

    def calls(self, count: int) -> list[PlannedCall]:
        """The next ``count`` calls."""
        kinds = [_MIX[n % len(_MIX)] for n in range(count)]
        self._random.shuffle(kinds)
        return [self._makers[kind](self._next(kind)) for kind in kinds]

    def _next(self, kind: str) -> int:
        self._made[kind] += 1
        return self._made[kind] * _STRIDE

    def _recipient(self, n: int) -> PlannedCall:
        company = self._company
        i = 1 + 2 * (n % (company.recipients // 2))  # odd: in a courier's hands
        phone = company.courier_number(company.courier_of(i))
        return PlannedCall(company.recipient_number(i), f"1{phone}", f"PJSIP/{phone}@trunk")

    def _courier(self, n: int) -> PlannedCall:
        j = 1 + n % self._company.couriers
        return self._to_manager(self._company.courier_number(j), j)

    def _client(self, n: int) -> PlannedCall:
        company = self._company
        k = 1 + n % company.clients
        number = company.client_number(k) if n % 2 else company.contact_number(k)
        return self._to_manager(number, k)

    def _to_manager(self, caller: str, code: int) -> PlannedCall:
        first, second = self._company.extensions(self._company.manager_of(code)).split(",")
        return PlannedCall(caller, f"2{first}{second}", f"PJSIP/{first}&PJSIP/{second}")

    def _stranger(self, n: int) -> PlannedCall:
        return PlannedCall(self._company.stranger_number(n % 10_000_000), "30", OFFICE)


def all_extensions(company: Company) -> tuple[str, ...]:
    """Every extension that a manager of ``company`` has."""
    return tuple(e for m in range(1, company.managers + 1) for e in company.extensions(m).split(","))
