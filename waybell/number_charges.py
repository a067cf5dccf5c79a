"""Which numbers may be dialled because a CRM holds them. Money can be stolen by a telephone call: a number that a
fraudster wrote into a courier's card rings abroad, or a line that charges by the minute. So what is not allowed is
refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers
from phonenumbers import PhoneNumberType, shortnumberinfo

from waybell.number_plans import PhoneNumber, library_number

_ORDINARY = frozenset(
    (
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.VOIP,
    )
)


class Rule(StrEnum):
    """Which rule a number breaks. ``SPECIAL``: personal numbers, pagers, universal access, voicemail, the unknown."""

    SATELLITE = "satellite"
    FOREIGN = "foreign"
    PREMIUM = "premium"
    SHARED_COST = "shared-cost"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a number may not be dialled: the rule, and the same in words."""

    rule: Rule
    why: str


_DEAR = {
    PhoneNumberType.PREMIUM_RATE: Objection(Rule.PREMIUM, "premium rate"),
    PhoneNumberType.SHARED_COST: Objection(Rule.SHARED_COST, "shared cost"),
    PhoneNumberType.PERSONAL_NUMBER: Objection(Rule.SPECIAL, "personal number"),
    PhoneNumberType.PAGER: Objection(Rule.SPECIAL, "pager"),
    PhoneNumberType.UAN: Objection(Rule.SPECIAL, "universal access number"),
    PhoneNumberType.VOICEMAIL: Objection(Rule.SPECIAL, "voicemail access"),
}
_STRANGE = Objection(Rule.SPECIAL, "no ordinary telephone")
# Satellites (+870, +881, +882), +979 premium rate, +800, +883: what ``phonenumbers`` gives to no country.
_NO_COUNTRY = "001"
# Emergency calls from any phone of 3GPP's (TS 22.101, 10.1), wherever it is.
_EMERGENCY_EVERYWHERE = frozenset(("112", "911"))
# 101 to 104 are emergency services from Belarus to Uzbekistan, and the first extensions of the PBXs there.
_FIRST_EXTENSIONS = "10"


def regions_of(countries: Iterable[str]) -> frozenset[str]:
    """The regions (ISO 3166) that ``countries`` name: each a region, or a calling code (``7``) with all its regions.

    Raises :class:`ValueError` with the one that is neither.
    """
    return frozenset(region for country in countries for region in _regions(country))


def regions_beside(region: str) -> frozenset[str]:
    """``region`` and those that share its calling code: Russia and Kazakhstan."""
    return regions_of([str(phonenumbers.country_code_for_region(region))])


def objection(number: PhoneNumber, regions: frozenset[str]) -> Objection | None:
    """Why ``number`` (mobile or fixed) may not be dialled while ``regions`` are allowed; ``None`` when it may."""
    if number.region == _NO_COUNTRY:
        return Objection(Rule.SATELLITE, "a satellite's, or of no country")
    if number.region not in regions:
        return Objection(Rule.FOREIGN, f"country {number.region or 'unknown'} is not in calls.countries")
    found = library_number(number.digits)
    charge = PhoneNumberType.UNKNOWN if found is None else phonenumbers.number_type(found)
    return None if charge in _ORDINARY else _DEAR.get(charge, _STRANGE)


def why_not(number: PhoneNumber, regions: frozenset[str]) -> str:
    """:func:`objection` in words; empty when there is none."""
    found = objection(number, regions)
    return found.why if found else ""


def is_emergency(digits: str, region: str) -> bool:
    """Whether ``digits`` are an emergency number and no likely extension: 112, 911 or the region's own."""
    if digits in _EMERGENCY_EVERYWHERE:
        return True
    return not digits.startswith(_FIRST_EXTENSIONS) and shortnumberinfo.is_emergency_number(digits, region)


def is_emergency_service(digits: str, region: str) -> bool:
    """As :func:`is_emergency`, where extensions are out of the question: 101 is the fire brigade."""
    return digits in _EMERGENCY_EVERYWHERE or shortnumberinfo.is_emergency_number(digits, region)


def _regions(country: str) -> tuple[str, ...]:
    if country in phonenumbers.SUPPORTED_REGIONS:
        return (country,)
    code = country.removeprefix("+")
    if code.isascii() and code.isdigit() and len(code) <= 3 and code[0] != "0":
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
        if regions and _NO_COUNTRY not in regions:
            return tuple(regions)
    raise ValueError(country)
