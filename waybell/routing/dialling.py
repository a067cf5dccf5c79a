"""How the people of a decision are rung: dial strings, the number and the name they see.

Everything that ends up in a dial string is digits from here on, whatever the CRM holds: ``&``, ``/`` or ``@`` in
a phone field would ring somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from waybell import numbers
from waybell.notes import Target
from waybell.numbers import NumberKind, NumberPlan

_SEPARATORS = re.compile(r"[,;&\n]+")
_EXTENSION = re.compile(r"[0-9]{1,10}")
_NOT_IN_NAMES = re.compile(r"[^\w .#+-]+")
_MOST_AT_ONCE = 20
_PARCEL = {"ru": "Посылка", "en": "Parcel"}


@dataclass(frozen=True, slots=True)
class Dialling:
    """The PBX as the dialplan sees it. ``phone_dial`` and ``extension_dial`` are templates of dial strings."""

    company_number: str = ""
    phone_dial: str = "PJSIP/{number}@trunk"
    extension_dial: str = "PJSIP/{extension}"
    ring_seconds: int = 25
    office: str = "500"
    courier_prefix: str = ""
    client_prefix: str = ""
    show_recipient: bool = False
    language: str = "ru"
    plan: NumberPlan = field(default_factory=NumberPlan)


@dataclass(frozen=True, slots=True)
class Ring:
    """Phones to ring at once: the dial string and who is behind each number."""

    dial: str
    targets: tuple[Target, ...]


def ring_phone(dialling: Dialling, raw: str, *, kind: str, id_: str, name: str) -> Ring | None:
    """One outside phone, or ``None`` when ``raw`` is no telephone number that can be dialled."""
    number = numbers.parse(raw, dialling.plan)
    if number.kind not in (NumberKind.MOBILE, NumberKind.FIXED):
        return None
    dial = dialling.phone_dial.replace("{number}", dialling.courier_prefix + number.digits)
    return Ring(dial, (Target(number.digits, kind, id_, name),))


def ring_staff(dialling: Dialling, raw: str, *, name: str = "") -> Ring | None:
    """All the extensions (or own outside phones) of ``raw``, ``199,100``, at once; ``None`` when there is none."""
    entries = [entry.strip() for entry in _SEPARATORS.split(raw) if entry.strip()]
    rings = [_staff_phone(dialling, entry, name) for entry in dict.fromkeys(entries)]
    return _together(ring for ring in rings if ring is not None)


def display_name(text: str) -> str:
    """``text`` as a SIP display name that no dialplan function and no header could take for syntax."""
    return _NOT_IN_NAMES.sub(" ", text).strip()[:60]


def parcel_name(dialling: Dialling, parcel: str) -> str:
    """What a courier sees instead of the recipient's name: ``Parcel 10``."""
    return display_name(f"{_PARCEL.get(dialling.language, _PARCEL['en'])} {parcel}")


def _staff_phone(dialling: Dialling, entry: str, name: str) -> Ring | None:
    if _EXTENSION.fullmatch(entry) and len(entry) <= dialling.plan.extension_digits[1]:
        dial = dialling.extension_dial.replace("{extension}", entry)
        return Ring(dial, (Target(entry, "employee", "", name),))
    number = numbers.parse(entry, dialling.plan)
    if number.kind not in (NumberKind.MOBILE, NumberKind.FIXED):
        return None
    return Ring(dialling.phone_dial.replace("{number}", number.digits), (Target(number.digits, "employee", "", name),))


def _together(rings: Iterable[Ring]) -> Ring | None:
    some = list(rings)[:_MOST_AT_ONCE]
    if not some:
        return None
    return Ring("&".join(ring.dial for ring in some), tuple(t for ring in some for t in ring.targets))
