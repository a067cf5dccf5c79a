"""From the text in which a number arrives to its digits: no knowledge of numbering plans, no I/O.

Every text is hostile: work is bounded by :data:`LONGEST_TEXT`, and whatever is not plainly a number is none.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

LONGEST_TEXT = 1024
_LONGEST_NUMBER = 64
# E.164 allows 15 digits; an outside-line code and an international prefix may stand before them.
_LONGEST_PLAIN = 24
# Fewer digits than any number that people group with dots, slashes or brackets.
_SHORTEST_GROUPED = 7

# The words of RFC 3323 and RFC 5079, of Asterisk's and of exchanges' displays for a caller who is not shown.
_WITHHELD = re.compile(
    r"(?:anonymous|unknown|private|restricted|blocked)(?: (?:caller|call|number))?|anonymous\.invalid|"
    r"(?:number )?(?:unavailable|withheld)|not available|no caller id|caller id blocked|"
    r"аноним(?:ный)?(?: номер)?|(?:неизвестный|скрытый)(?: номер)?|номер (?:скрыт|не определ[её]н)"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAME_ADDR = re.compile(r'(?:"(?:[^"\\]|\\.)*"[ ]*|[^"<>,&]*)<([^<>]*)>(?:;[^<>",&]*)?')
_SCHEME = re.compile(r"(sips?|tel):", re.IGNORECASE)
_HOST = re.compile(r"[\w.:\[\]-]+(?:[;?][^<>\"'&,\\]*)?")
_EXTENSION = re.compile(
    r"(?:доб(?:авочный)?|вн(?:утр)?|дод|ext(?:ension)?|داخلی|[xх])[.:]?[ ]*([0-9]{1,15})$", re.IGNORECASE
)
_EXTENSION_DIGITS = re.compile(r"[0-9]{0,15}")
_NUMBER = re.compile(r"[(]?[ ]*(\+?)[ (]*[0-9][0-9 ().~/-]*")
_PARAMETER = re.compile(r"[ ]*[\w-]+(?:=[^ &\"'<>,\\]*)?[ ]*")
_NOT_DIGIT = re.compile(r"[^0-9]+")
_FIRST_DIGIT_APART = re.compile(r"[( ]*\+[ ]*[0-9][^0-9]")
# Parameters that RFC 3966 defines for a number; in a URI others may stand beside them.
_NUMBER_PARAMETERS = frozenset(("ext", "phone-context", "isub"))


@dataclass(frozen=True, slots=True)
class Spelling:
    """What was written: ASCII ``digits`` and what stood around them. No digits: the caller withholds the number.

    ``plus``: they claim to be international. ``apart``: a separator follows the first digit (``+8 916…``).
    ``context``: digits of a global ``phone-context`` (RFC 3966), to be put before ``digits``.
    """

    digits: str
    plus: bool = False
    apart: bool = False
    extension: str = ""
    context: str = ""


_NOBODY = Spelling("")


def read_spelling(raw: str) -> Spelling | None:
    """The digits that ``raw`` spells, or ``None`` when it spells no number. Never raises."""
    if len(raw) <= _LONGEST_PLAIN and raw.isascii():
        if raw.isdigit():
            return Spelling(raw)
        if raw[:1] == "+" and raw[1:].isdigit():
            return Spelling(raw[1:], plus=True)
    return _read_text(raw) if len(raw) <= LONGEST_TEXT else None


def _read_text(raw: str) -> Spelling | None:
    text = _plain(raw)
    address = None if text is None else _without_display_name(text)
    if address is None:
        return None
    if _is_withheld(address):
        return _NOBODY
    scheme = _SCHEME.match(address)
    if scheme:
        return _read_uri(scheme[1].lower(), address[scheme.end() :])
    if "@" in address:
        return _read_user_at_host(address)
    return _read_number(address, known_parameters_only=True)


def _plain(raw: str) -> str | None:
    """``raw`` with foreign digits and full-width signs as ASCII and without invisible marks; no control characters."""
    text = raw.replace("\t", " ")
    if not text.isascii():
        text = "".join(map(_plain_character, text))
    return None if _CONTROL.search(text) else text.strip()


def _plain_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf":
        return ""
    if category == "Zs":
        return " "
    if category == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    return chr(ord(character) - 0xFEE0) if "！" <= character <= "～" else character


def _without_display_name(text: str) -> str | None:
    if "<" not in text:
        return text
    match = _NAME_ADDR.fullmatch(text)
    return match[1].strip() if match else None


def _is_withheld(text: str) -> bool:
    return not text or bool(_WITHHELD.fullmatch(text.casefold()))


def _read_uri(scheme: str, rest: str) -> Spelling | None:
    if scheme == "tel":
        return _read_number(rest)
    if "@" in rest:
        return _read_user_at_host(rest)
    host = rest.partition(";")[0]
    # Without "@" the text is a host (RFC 3261, 19.1.1), so an address as 10.0.0.5 must not become a number.
    if host.removeprefix("+").isdigit():
        return _read_number(host)
    return _NOBODY if _is_withheld(host) else None


def _read_user_at_host(text: str) -> Spelling | None:
    user, _, host = text.rpartition("@")
    if not _HOST.fullmatch(host):
        return None
    # Privacy hides behind this host whatever the user part says (RFC 3323, RFC 5079).
    if re.split(r"[:;?]", host)[0].casefold() == "anonymous.invalid":
        return _NOBODY
    name = user.partition(":")[0]
    return _NOBODY if _is_withheld(name.partition(";")[0]) else _read_number(name)


def _read_number(text: str, *, known_parameters_only: bool = False) -> Spelling | None:
    written, *parts = text.split(";")
    parameters = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in parts)}
    if not all(map(_PARAMETER.fullmatch, parts)):
        return None
    if known_parameters_only and not _NUMBER_PARAMETERS.issuperset(parameters):
        return None
    number = _plain(unquote(written)) if "%" in written and not known_parameters_only else written
    extension = parameters.get("ext", "")
    if number is None or len(number) > _LONGEST_NUMBER or not _EXTENSION_DIGITS.fullmatch(extension):
        return None
    return _read_digits(number, extension, parameters.get("phone-context", ""))


def _read_digits(text: str, extension: str, context: str) -> Spelling | None:
    if label := _EXTENSION.search(text):
        text, extension = text[: label.start()].rstrip().removesuffix(","), label[1]
    number = _NUMBER.fullmatch(text)
    digits = _NOT_DIGIT.sub("", text)
    if not number:
        return None
    if len(digits) < _SHORTEST_GROUPED and any(sign in text for sign in "./~()"):
        return None  # "100/500" is two extensions, "10.0.0.5" an address
    if not number[1] and text.startswith("8~10"):
        return Spelling(digits[3:], plus=True, extension=extension)
    return Spelling(
        digits,
        plus=bool(number[1]),
        apart=bool(_FIRST_DIGIT_APART.match(text)),
        extension=extension,
        context=_NOT_DIGIT.sub("", context) if context.startswith("+") else "",
    )
