"""How the people of a decision are rung: dial strings, the number and the name they see.

Everything that ends up in a dial string is digits from here on, whatever the CRM holds: ``&``, ``/`` or ``@`` in
a phone field would ring somebody else. And no number of the CRM's is dialled that could cost the company dear; see
:mod:`waybell.number_charges`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from waybell import numbers
from waybell.notes import Target
from waybell.number_charges import is_emergency, regions_beside, why_not
from waybell.numbers import NumberPlan

_SEPARATORS = re.compile(r"[,;&\n]+")
_EXTENSION = re.compile(r"[0-9]{1,15}")
_NOT_IN_NAMES = re.compile(r"[^\w .#+-]+")
_MOST_AT_ONCE = 20
# Bytes of a dial string, so that an answer to the dialplan has room for it.
_LONGEST_DIAL = 1500
# The phones of couriers and managers come again with every call of theirs: each is read and judged once.
_REMEMBERED = 4096
_PARCEL = {"ru": "Посылка", "en": "Parcel"}
_OUTSIDE = {"ru": "снаружи", "en": "outside"}


# Compared by identity: there is one for a process, and it is a part of the key under which phones are remembered.
@dataclass(frozen=True, slots=True, eq=False)
class Dialling:
    """The PBX as the dialplan sees it. ``phone_dial`` and ``extension_dial`` are templates of dial strings.

    ``regions`` (ISO 3166) are where a number of the CRM's may be dialled; none: the plan's own and those that share
    its calling code.
    """

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
    regions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ring:
    """Phones to ring at once: the dial string (empty: nobody can be rung) and who is behind each number.

    ``refused`` says what is not rung, and why.
    """

    dial: str = ""
    targets: tuple[Target, ...] = ()
    refused: str = ""


@lru_cache(maxsize=_REMEMBERED)
def ring_phone(dialling: Dialling, raw: str, kind: str, id_: str, name: str) -> Ring:
    """One outside phone."""
    if not raw:
        return Ring()
    digits, refused = _outside_phone(dialling, raw)
    if refused:
        return Ring(refused=refused)
    dial = dialling.phone_dial.replace("{number}", dialling.courier_prefix + digits)
    return Ring(dial, (Target(digits, kind, id_, name),))


@lru_cache(maxsize=_REMEMBERED)
def ring_staff(dialling: Dialling, raw: str, name: str) -> Ring:
    """All the extensions (or own outside phones) of the CRM's ``raw``, ``199,100``, at once."""
    return _together([_staff_phone(dialling, entry, name) for entry in _entries(raw)])


@lru_cache(maxsize=64)
def ring_office(dialling: Dialling) -> Ring:
    """The office, which is the admin's own setting: there is nobody to ring when it is refused, so nothing is."""
    return _together([_office_phone(dialling, entry) for entry in _entries(dialling.office)])


def display_name(text: str) -> str:
    """``text`` as a SIP display name that no dialplan function and no header could take for syntax."""
    return _NOT_IN_NAMES.sub(" ", text).strip()[:60]


def parcel_name(dialling: Dialling, parcel: str) -> str:
    """What a courier sees instead of the recipient's name: ``Parcel 10``."""
    return display_name(f"{_PARCEL.get(dialling.language, _PARCEL['en'])} {parcel}")


def outside_name(dialling: Dialling, digits: str) -> str:
    """What is shown of a caller from outside who gives an extension or a short number as their own."""
    return f"{_OUTSIDE.get(dialling.language, _OUTSIDE['en'])} {digits}"


def _entries(raw: str) -> Iterable[str]:
    return dict.fromkeys(entry for part in _SEPARATORS.split(raw) if (entry := part.strip()))


def _outside_phone(dialling: Dialling, raw: str) -> tuple[str, str]:
    """(E.164 digits, why it may not be dialled)."""
    number = numbers.parse(raw, dialling.plan)
    if not number.has_e164:
        return "", f"{raw[:40]!r} is no telephone number"
    why = why_not(number, dialling.regions or regions_beside(dialling.plan.region))
    return number.digits, f"{number.e164} may not be dialled: {why}" if why else ""


def _staff_phone(dialling: Dialling, entry: str, name: str) -> Ring:
    plan = dialling.plan
    shortest, longest = plan.extension_digits
    if _EXTENSION.fullmatch(entry) and len(entry) <= longest:
        if is_emergency(entry, plan.region):
            return Ring(refused=f"{entry} may not be dialled: emergency number")
        return _extension(dialling, entry, name) if len(entry) >= shortest else Ring(refused=f"{entry} is no extension")
    digits, refused = _outside_phone(dialling, entry)
    return Ring(refused=refused) if refused else _phone(dialling, digits, name)


def _office_phone(dialling: Dialling, entry: str) -> Ring:
    number = numbers.parse(entry, dialling.plan)
    if number.has_e164 and len(entry) > dialling.plan.extension_digits[1]:
        return _phone(dialling, number.digits, "office")
    return _extension(dialling, entry, "office")


def _extension(dialling: Dialling, digits: str, name: str) -> Ring:
    return Ring(dialling.extension_dial.replace("{extension}", digits), (Target(digits, "employee", "", name),))


def _phone(dialling: Dialling, digits: str, name: str) -> Ring:
    return Ring(dialling.phone_dial.replace("{number}", digits), (Target(digits, "employee", "", name),))


def _together(rings: list[Ring]) -> Ring:
    rung, room, left_out = list[Ring](), _LONGEST_DIAL, 0
    for ring in rings:
        if ring.dial and len(rung) < _MOST_AT_ONCE and len(ring.dial) < room:
            rung.append(ring)
            room -= len(ring.dial) + 1
        elif ring.dial:
            left_out += 1
    refused = [ring.refused for ring in rings if ring.refused]
    if left_out:
        refused.append(f"{left_out} more are not rung: too many at once")
    targets = tuple(target for ring in rung for target in ring.targets)
    return Ring("&".join(ring.dial for ring in rung), targets, "; ".join(refused))
