"""What a number is and how it is dialled where a PBX stands, as far as ``phonenumbers`` knows.

Its metadata is read per region on first use. Its geocoder and carrier tables stay out of this process: they cost a
hundred megabytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberType, shortnumberinfo


class NumberKind(StrEnum):
    """What a number is. ``fixed`` is every E.164 number that is surely no mobile (freephone and VoIP too)."""

    MOBILE = "mobile"
    FIXED = "fixed"
    SHORT = "short"
    EXTENSION = "extension"
    ANONYMOUS = "anonymous"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """How numbers are written where this PBX stands.

    ``region`` (ISO 3166) is that of a number without country code; ``outside_code`` the digits dialled for an outside
    line (``9``); ``extension_digits`` the fewest and the most digits of an internal extension. Raises
    :class:`ValueError` with one line saying what is allowed.
    """

    region: str = "RU"
    outside_code: str = ""
    extension_digits: tuple[int, int] = (2, 6)

    def __post_init__(self) -> None:
        shortest, longest = self.extension_digits
        if self.region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"region {self.region!r} is unknown: two capital letters of ISO 3166 are needed, as 'RU'")
        if self.outside_code and not (self.outside_code.isascii() and self.outside_code.isdigit()):
            raise ValueError(f"outside_code {self.outside_code!r} must be digits, as '9', or empty")
        if not 1 <= shortest <= longest <= 15:
            raise ValueError(f"extension_digits {self.extension_digits!r} must be two numbers in order, from 1 to 15")


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A number read. ``digits``: E.164 without plus (mobile, fixed), as dialled (short, extension), else empty.

    ``region`` is ISO 3166 (``001``: no country's, as +800), empty for extensions; ``extension`` what followed
    ``;ext=`` or ``доб.``. Digits are ASCII always.
    """

    kind: NumberKind
    digits: str
    region: str = ""
    extension: str = ""

    @property
    def has_e164(self) -> bool:
        """Whether it is a telephone's own number, the same from everywhere: mobile or fixed."""
        return self.kind is NumberKind.MOBILE or self.kind is NumberKind.FIXED

    @property
    def e164(self) -> str:
        """``+79161234567``; empty for what has no E.164 form."""
        return f"+{self.digits}" if self.has_e164 else ""


@dataclass(frozen=True, slots=True)
class Dialing:
    """What ``phonenumbers`` knows of dialling in a plan's region; ``length`` 0: numbers there have no one length."""

    plan: NumberPlan
    country_code: str
    international: re.Pattern[str]
    trunk: re.Pattern[str] | None
    length: int


@lru_cache(maxsize=64)
def dialing_in(plan: NumberPlan) -> Dialing:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(plan.region)
    if metadata is None or metadata.general_desc is None:
        raise ValueError(f"phonenumbers knows nothing of region {plan.region!r}")
    own = metadata.mobile.possible_length if metadata.mobile else ()
    lengths = own or metadata.general_desc.possible_length
    # A prefix with a rewriting rule (Argentina, Mexico) is left to the library.
    trunk = None if metadata.national_prefix_transform_rule else metadata.national_prefix_for_parsing
    return Dialing(
        plan,
        str(metadata.country_code),
        re.compile(metadata.international_prefix or "00"),
        re.compile(trunk) if trunk else None,
        lengths[0] if len(lengths) == 1 else 0,
    )


def is_short(digits: str, region: str) -> bool:
    """Whether a phone in ``region`` reaches a service by dialling just these ``digits``."""
    if shortnumberinfo.is_emergency_number(digits, region):
        return True
    number = _library_number(phonenumbers.country_code_for_region(region), digits)
    if not shortnumberinfo.is_valid_short_number_for_region(number, region):
        return False
    # Codes for text messages would take nearly every four to six digits from extensions in the USA.
    return len(digits) <= 3 or not (
        shortnumberinfo.is_carrier_specific_for_region(number, region)
        or shortnumberinfo.is_sms_service_for_region(number, region)
    )


def from_e164(digits: str) -> PhoneNumber | None:
    """The number whose E.164 digits these are exactly."""
    number = library_number(digits)
    return None if number is None else _known(number, digits)


def library_number(digits: str) -> phonenumbers.PhoneNumber | None:
    """E.164 ``digits`` as the library's value, by their country code only; its ``parse`` would look for a trunk prefix
    in them.
    """
    for length in (1, 2, 3):
        code = digits[:length]
        if code[:1] != "0" and len(digits) > length and int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return _library_number(int(code), digits[length:])
    return None


def from_library(text: str, region: str | None) -> PhoneNumber | None:
    """The valid number that the library reads in ``text`` (digits, a plus before them) as dialled in ``region``."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return _known(number, f"{number.country_code}{phonenumbers.national_significant_number(number)}")


def _library_number(country_code: int, national: str) -> phonenumbers.PhoneNumber:
    number = phonenumbers.PhoneNumber(country_code=country_code, national_number=int(national))
    if national[0] == "0":
        number.italian_leading_zero = True
        number.number_of_leading_zeros = min(len(national) - 1, len(national) - len(national.lstrip("0"))) or None
    return number


def _known(number: phonenumbers.PhoneNumber, digits: str) -> PhoneNumber | None:
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        return None
    mobile = kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    region = phonenumbers.region_code_for_number(number) or ""
    return PhoneNumber(NumberKind.MOBILE if mobile else NumberKind.FIXED, digits, region)
