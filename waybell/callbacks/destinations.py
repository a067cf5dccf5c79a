"""Which numbers a placed call may ring at all, whoever asks. What comes out is ASCII digits, whatever came in."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NoReturn

from waybell import numbers
from waybell.callbacks.values import Party, RefusedError
from waybell.number_charges import is_emergency, is_emergency_service, objection, regions_beside
from waybell.number_spellings import read_spelling
from waybell.numbers import NumberKind, NumberPlan, PhoneNumber
from waybell.printable import printable

_DIGITS = re.compile(r"[0-9]{1,15}")
_SEPARATORS = re.compile(r"[,;&\n]+")
_LONGEST_SHOWN = 40
_LIST_IT = "an admin may list it in calls.allowed_numbers"

_TITLES = {
    "premium-number": "Premium-rate number",
    "shared-cost-number": "Shared-cost number",
    "satellite-number": "Satellite number",
    "special-number": "Special number",
    "foreign-number": "Number abroad",
    "short-number": "Short number",
    "emergency-number": "Emergency number",
    "extension-number": "Internal extension",
    "invalid-number": "Not a telephone number",
    "anonymous-number": "No number",
}
_NO_NUMBER = frozenset(("invalid-number", "anonymous-number"))


@dataclass(frozen=True, slots=True)
class Policy:
    """What an admin allows. ``regions`` (ISO 3166) may be called; none: the plan's own and those beside it.

    ``allowed_numbers`` are E.164 digits or short numbers that pass every rule about what a number costs. ``office`` is
    an extension or a list of them, ``company_number`` the number that we show. Raises :class:`ValueError` for an
    allowed number that is not digits.
    """

    plan: NumberPlan = field(default_factory=NumberPlan)
    regions: frozenset[str] = frozenset()
    allowed_numbers: frozenset[str] = frozenset()
    office: str = "500"
    company_number: str = ""

    def __post_init__(self) -> None:
        for number in self.allowed_numbers:
            if not _DIGITS.fullmatch(number):
                raise ValueError(f"allowed number {number[:_LONGEST_SHOWN]!r} must be up to 15 digits without a plus")

    @property
    def countries(self) -> frozenset[str]:
        """The regions that may be called."""
        return self.regions or regions_beside(self.plan.region)


def destination(raw: str, policy: Policy, *, extensions: bool = False) -> Party:
    """The number that ``raw`` spells, if it may be rung; with ``extensions`` it may be an internal one.

    Raises :class:`~waybell.callbacks.values.RefusedError`: 422 for what is no number, else 403.
    """
    return Party(allowed_digits(raw, policy, extensions=extensions))


def allowed_digits(
    raw: str, policy: Policy, *, extensions: bool = False, known: Collection[str] = (), subject: str = ""
) -> str:
    """The digits of :func:`destination`. ``known`` are extensions of ours, of any length.

    ``subject`` begins the refusal's sentence; without one it is ``raw``, which may be shown to nobody but its author.
    """
    number = numbers.parse(raw, policy.plan)
    digits = _digits(number, raw)
    if digits in policy.allowed_numbers:
        return digits
    if digits and is_emergency(digits, policy.plan.region):
        _refuse("emergency-number", subject or shown(raw))
    if digits in known or (extensions and _is_plausible_extension(number, policy.plan)):
        return digits
    if not number.has_e164:
        _refuse(_type_without_e164(number, policy.plan), subject or shown(raw))
    if found := objection(number, policy.countries):
        _refuse(f"{found.rule}-number", subject or shown(raw), found.why, number.region)
    return digits


def digits_of(raw: str, policy: Policy) -> str:
    """The digits that ``raw`` spells, allowed or not, to ask the CRM with; empty when it spells none."""
    return _digits(numbers.parse(raw, policy.plan), raw)


def is_extension(digits: str, policy: Policy) -> bool:
    """Whether a party's ``digits`` are rung inside, as an extension, and not over a line."""
    if digits in policy.allowed_numbers or len(digits) > policy.plan.extension_digits[1]:
        return False
    return not numbers.parse(digits, policy.plan).has_e164


def entries(raw: str) -> tuple[str, ...]:
    """The parts of a list of telephones as ``199,100``, each once."""
    return tuple(dict.fromkeys(entry for part in _SEPARATORS.split(raw) if (entry := part.strip())))


def clipped(text: str) -> str:
    """``text`` from outside, fit for a sentence: printable and not longer than 40 characters."""
    return printable(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…")


def shown(raw: str) -> str:
    """:func:`clipped` in quotes."""
    return f"'{clipped(raw)}'"


def _digits(number: PhoneNumber, raw: str) -> str:
    if number.digits or number.kind is NumberKind.ANONYMOUS:
        return number.digits
    spelling = read_spelling(raw)  # an admin may list, and emergency services have, what is no number elsewhere
    return spelling.digits if spelling else ""


def _is_plausible_extension(number: PhoneNumber, plan: NumberPlan) -> bool:
    # 101 is a short number too, but an extension is rung at an endpoint of that name and leaves by no line.
    shortest, longest = plan.extension_digits
    inside = number.kind is NumberKind.EXTENSION or number.kind is NumberKind.SHORT
    return inside and shortest <= len(number.digits) <= longest


def _type_without_e164(number: PhoneNumber, plan: NumberPlan) -> str:
    if number.kind is NumberKind.SHORT:
        return "emergency-number" if is_emergency_service(number.digits, plan.region) else "short-number"
    if number.kind is NumberKind.EXTENSION:
        return "extension-number"
    return "anonymous-number" if number.kind is NumberKind.ANONYMOUS else "invalid-number"


def _refuse(type_: str, subject: str, why: str = "", region: str = "") -> NoReturn:
    status = 422 if type_ in _NO_NUMBER else 403
    raise RefusedError(type_, status, _TITLES[type_], f"{subject} {_sentence(type_, why, region)}.")


def _sentence(type_: str, why: str, region: str) -> str:
    if type_ == "foreign-number":
        country = f"is a number of {region or 'an unknown country'}, which may not be called"
        return f"{country}: an admin may list it in calls.countries"
    if why:
        return f"may not be called ({why}): {_LIST_IT}"
    return {
        "emergency-number": "is an emergency number: dial it on a telephone of your own",
        "short-number": f"is a short number, which may not be called: {_LIST_IT}",
        "extension-number": "is an internal extension, which may not be called from here: give the whole number",
        "anonymous-number": "names no number: give the number that is to be called",
        "invalid-number": "is no telephone number: give it with its country code, as +7 916 123-45-67",
    }[type_]
