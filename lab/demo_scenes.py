"""The calls of the demo: who rings, what happens, who must take it. The cast stands in ``sql/demo/rows.sql``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """Who took a call: a number; ``outside`` for the telephone network's side, else an extension."""

    number: str
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """One call. ``key`` is pressed in the menu; the phones in ``busy`` are."""

    title: str
    caller: str
    expected: Taken
    key: str = ""
    busy: tuple[str, ...] = ()


SCENES = (
    Scene("Anna's parcel is with courier Boris", "79161000001", Taken("79010000011", outside=True)),
    Scene("Boris is busy: his manager's phones ring", "79161000001", Taken("199"), busy=("79010000011", "100")),
    Scene("Vera's parcels are with three couriers", "79161000002", Taken("79010000012", outside=True), key="2"),
    Scene("courier Ulyana rings her manager", "79010000014", Taken("101")),
    Scene("Irina of the Bookshop rings the shop's manager", "79055000201", Taken("199"), busy=("100",)),
    Scene("a stranger reaches the office", "79990000000", Taken("500")),
)
