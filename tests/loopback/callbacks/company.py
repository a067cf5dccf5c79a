"""A company of one courier with one parcel, an Asterisk that rings whoever it is told to, and who places calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from waybell.callbacks.asking import Asking
from waybell.callbacks.destinations import Policy
from waybell.callbacks.hours import Hours
from waybell.callbacks.lines import Line
from waybell.callbacks.placing import Options, Placing
from waybell.callbacks.ports import Originate, PbxRefusedError, Seen
from waybell.callbacks.service import CallbackService, Parts
from waybell.callbacks.store import CallbackStore
from waybell.callbacks.values import Asker, ByParcel
from waybell.people.directory import CourierCard, CrmUnavailableError, ParcelCard
from waybell.people.values import Identity

WISH = ByParcel("11", "10")
APP = Asker("token:app")


LINE = Line("default", "PJSIP/{number}@trunk", "74951234567")


class Crash(BaseException):
    """As a ``kill -9`` would: nothing after it is run."""


@dataclass
class Cards:
    """A CRM with one courier who holds one parcel."""

    down: bool = False

    async def courier(self, courier_id: str) -> CourierCard | None:
        self._ask()
        return CourierCard("11", "Boris", "79010000011", "199", "Olga") if courier_id == "11" else None

    async def parcel(self, parcel: str) -> tuple[ParcelCard, ...]:
        self._ask()
        return (ParcelCard("10", "11", "79161000001", "Anna", "101", "Bookshop"),) if parcel == "10" else ()

    async def clients(self, courier_id: str) -> frozenset[str]:
        self._ask()
        return frozenset({"101"})

    async def people(self, number: str) -> tuple[Identity, ...]:
        self._ask()
        return ()

    def _ask(self) -> None:
        if self.down:
            raise CrmUnavailableError("Access denied for user 'crm'")


@dataclass
class FakePbx:
    """Rings whoever it is told to; ``before`` or ``after`` is raised around that, and whose dial string holds one of
    ``refused`` is refused. ``seen``: what its channels do.
    """

    rung: list[Originate] = field(default_factory=list)
    up: set[str] = field(default_factory=set)
    seen: dict[str, Seen] = field(default_factory=dict)
    before: BaseException | None = None
    after: BaseException | None = None
    refused: tuple[str, ...] = ()
    started: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    async def originate(self, channel: Originate) -> None:
        if self.before:
            raise self.before
        if any(name in channel.dial for name in self.refused):
            raise PbxRefusedError(500, "Allocation failed")
        self.rung.append(channel)
        self.up.add(channel.channel_id)
        if self.after:
            raise self.after

    async def hangup(self, channel_id: str) -> bool:
        there = channel_id in self.up
        self.up.discard(channel_id)
        return there

    async def channels(self) -> Mapping[str, Seen]:
        return {one: self.seen.get(one, Seen()) for one in self.up}

    async def talking(self) -> frozenset[str]:
        return frozenset(one for one in self.up if self.seen.get(one, Seen()).dialling)

    async def started_at(self) -> datetime:
        return self.started


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


def service(
    store: CallbackStore,
    pbx: FakePbx,
    cards: Cards | None = None,
    clock: Clock | None = None,
    connected: Callable[[], bool] = lambda: True,
    lines: tuple[Line, ...] = (LINE,),
) -> CallbackService:
    policy = Policy(company_number="74951234567")
    options = Options(lines=lines, company_number="74951234567", hours=Hours("00:00", "24:00"), policy=policy)
    parts = Parts(store, Asking(cards or Cards(), policy), Placing(options), pbx, connected)
    return CallbackService(parts, clock or Clock())
