"""Telephone numbers: cleaned up, normalised to E.164 and classified.

How digits without a plus are read, first match wins (the reason is with each reading below):

1. a short number of the region (``112``), exactly as dialled;
2. after an international prefix: ``00`` anywhere, else the region's own (``810``, ``011``);
3. after the region's trunk prefix (``8…``, ``0…``, ``1…``);
4. a national number without trunk prefix, where the region's mobile numbers all have that one length;
5. an international number, as CRMs and trunks write it (``79161234567``);
6. any other national number, as the library reads it;
7. after the outside-line code: any of the above;
8. an extension, by its length.

So ``4951234567`` is Moscow for a company in Russia (4), though Germany has such a number, and ``79161234567`` is
Russian for a company in Germany (5), though Germany has such a number too: it has no fixed length. The international
form of a number of the plan's own region is read as itself always; that of a foreign number unless 1 to 4 fit it or
it has no more digits than an extension.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from waybell.number_plans import (
    Dialing,
    NumberKind,
    NumberPlan,
    PhoneNumber,
    dialing_in,
    from_e164,
    from_library,
    is_short,
)
from waybell.number_spellings import Spelling, read_spelling

__all__ = ["NumberKind", "NumberPlan", "PhoneNumber", "parse", "parse_dialed"]

# Trunk prefix before the numbering plans of 2009 and later; still dialled, and still printed on parcels.
_FORMER_TRUNK = {"UA": "8", "UZ": "8"}
_LONGEST_SHORT = 6
# Of what is read again and again (a call's caller at each step and in the journal, the company's own number), some
# two megabytes are remembered; longer texts are nobody's usual spelling and could fill the memory.
_REMEMBERED = 4096
_LONGEST_REMEMBERED = 24

_ANONYMOUS = PhoneNumber(NumberKind.ANONYMOUS, "")
_INVALID = PhoneNumber(NumberKind.INVALID, "")
_DEFAULT_PLAN = NumberPlan()


def parse(raw: str, plan: NumberPlan = _DEFAULT_PLAN) -> PhoneNumber:
    """The number that ``raw`` spells for somebody at ``plan``. Never raises; ``invalid`` when it spells none."""
    return _read_again(raw, plan) if len(raw) <= _LONGEST_REMEMBERED else _read(raw, plan)


def parse_dialed(raw: str, plan: NumberPlan = _DEFAULT_PLAN) -> PhoneNumber:
    """As :func:`parse`, for what an employee's phone dials: the outside-line code goes first if a number follows it.

    ``parse`` keeps a whole number whole, so that ``989161234567`` is a caller from Iran; dialled on a phone behind
    ``9`` it is ``8 916 123-45-67``, since a call to Iran would be dialled ``9 8 10 98…``.
    """
    spelling = read_spelling(raw)
    if spelling and not spelling.plus and (number := _after_outside_code(spelling.digits, dialing_in(plan))):
        return replace(number, extension=spelling.extension)
    return parse(raw, plan)


def _read(raw: str, plan: NumberPlan) -> PhoneNumber:
    spelling = read_spelling(raw)
    if spelling is None:
        return _INVALID
    if not spelling.digits:
        return _ANONYMOUS
    number = _place(spelling, dialing_in(plan)) or _INVALID
    return replace(number, extension=spelling.extension) if spelling.extension and number.digits else number


_read_again = lru_cache(maxsize=_REMEMBERED)(_read)


def _place(spelling: Spelling, dialing: Dialing) -> PhoneNumber | None:
    digits = spelling.digits
    if spelling.plus:
        return _with_plus(digits, dialing, apart=spelling.apart)
    if spelling.context and (number := _with_plus(spelling.context + digits, dialing, apart=False)):
        return number
    return _as_dialed(digits, dialing) or _after_outside_code(digits, dialing) or _extension(digits, dialing.plan)


def _with_plus(digits: str, dialing: Dialing, *, apart: bool) -> PhoneNumber | None:
    # Only 1 and 7 are country codes of one digit, so "+8 916…" shows by its space that 8 is the trunk prefix.
    if apart and digits[0] not in "17" and (number := _after_trunk(digits, dialing)):
        return number
    return (
        from_e164(digits)
        or _abroad(digits, dialing)
        or _after_trunk(digits, dialing)
        or from_library(f"+{digits}", None)  # last: it also drops a trunk zero, as in +44 (0)20…
    )


def _as_dialed(digits: str, dialing: Dialing) -> PhoneNumber | None:
    return (
        _short(digits, dialing.plan.region)
        or _abroad(digits, dialing)
        or _after_trunk(digits, dialing)
        or _bare_national(digits, dialing)
        or _bare_international(digits, dialing)
        or _other(digits, dialing)
    )


def _short(digits: str, region: str) -> PhoneNumber | None:
    if len(digits) <= _LONGEST_SHORT and is_short(digits, region):
        return PhoneNumber(NumberKind.SHORT, digits, region)
    return None


def _abroad(digits: str, dialing: Dialing) -> PhoneNumber | None:
    if digits.startswith("00") and (number := _international(digits[2:])):
        return number
    prefix = dialing.international.match(digits)
    return _international(digits[prefix.end() :]) if prefix else None


def _after_trunk(digits: str, dialing: Dialing) -> PhoneNumber | None:
    prefix = dialing.trunk.match(digits) if dialing.trunk else None
    return from_e164(dialing.country_code + digits[prefix.end() :]) if prefix else None


def _bare_national(digits: str, dialing: Dialing) -> PhoneNumber | None:
    return from_e164(dialing.country_code + digits) if len(digits) == dialing.length else None


def _bare_international(digits: str, dialing: Dialing) -> PhoneNumber | None:
    # So few digits are an extension, though some island has such a number.
    if len(digits) > dialing.plan.extension_digits[1] or digits.startswith(dialing.country_code):
        return from_e164(digits)
    return None


def _other(digits: str, dialing: Dialing) -> PhoneNumber | None:
    region = dialing.plan.region
    if len(digits) <= dialing.plan.extension_digits[1] and digits[0] != "0":
        return None
    if number := from_library(digits, region) or from_library(f"+{digits}", None):
        return number
    if not digits.startswith(_FORMER_TRUNK.get(region, "-")):
        return None
    return _international(digits[3:]) if digits.startswith("810") else from_library(digits[1:], region)


def _after_outside_code(digits: str, dialing: Dialing) -> PhoneNumber | None:
    code = dialing.plan.outside_code
    return _as_dialed(digits[len(code) :], dialing) if code and digits.startswith(code) and digits != code else None


def _extension(digits: str, plan: NumberPlan) -> PhoneNumber | None:
    shortest, longest = plan.extension_digits
    return PhoneNumber(NumberKind.EXTENSION, digits) if shortest <= len(digits) <= longest else None


def _international(digits: str) -> PhoneNumber | None:
    return from_e164(digits) or from_library(f"+{digits}", None)
