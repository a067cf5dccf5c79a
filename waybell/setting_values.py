"""The kinds of values that settings have. What is wrong with one is said as what is allowed."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from waybell.number_charges import regions_of

_LISTEN = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\[\]]+):(\d{1,5})")
_LONGEST_TEMPLATE = 100
_DRIVERS = ("mysql+asyncmy", "mysql+aiomysql", "sqlite+aiosqlite")


class Section(BaseModel):
    """A part of the settings: no unknown keys, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _region(value: str) -> str:
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("a two-letter country code in capitals is allowed, such as RU, KZ, DE")
    return value


def _database(value: str) -> str:
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in _DRIVERS:
        raise ValueError(f"a URL beginning with {', '.join(f'{name}://' for name in _DRIVERS)} is allowed")
    if url.database in (None, "", ":memory:"):
        raise ValueError("a URL that ends with a database's name or file is allowed")
    return value


def _database_or_none(value: str) -> str:
    return _database(value) if value else value


def _listen(value: str) -> str:
    match = _LISTEN.fullmatch(value)
    if match is None or int(match[2]) > 65535 or not _is_address(match[1].strip("[]")):
        raise ValueError("an IP address and a port are allowed, such as 127.0.0.1:4573 or [::1]:4573")
    return value


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _template(name: str) -> AfterValidator:
    def check(value: str) -> str:
        rest = value.replace("{" + name + "}", "")
        if rest == value or not re.fullmatch(r"[\w/@.:+-]+", rest) or len(value) > _LONGEST_TEMPLATE:
            signs = f"a dial string of up to {_LONGEST_TEMPLATE} letters, digits and /@.:+-_"
            raise ValueError(signs + " holding {" + name + "} is allowed")
        return value

    return AfterValidator(check)


def _http(value: str) -> str:
    try:
        url = urlsplit(value)
        good = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        good = False
    if not good or re.search(r"[\s?#]", value):
        raise ValueError("a URL beginning with http:// or https:// is allowed, such as http://127.0.0.1:8088")
    if "@" in url.netloc:
        raise ValueError("a URL without user and password is allowed: they have keys of their own, user and password")
    return value.rstrip("/")


def _countries(value: tuple[str, ...]) -> tuple[str, ...]:
    try:
        regions_of(value)
    except ValueError as error:
        allowed = "two-letter country codes in capitals (RU) and calling codes of countries (7) are allowed"
        raise ValueError(f"{allowed}, not {str(error)[:20]!r}") from None
    return value


def _time_of_day(value: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", value):
        raise ValueError("hours and minutes are allowed, such as 08:00 or 24:00")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError("a name of the IANA time zones is allowed, such as Europe/Moscow") from None
    return value


def _lengths(value: tuple[int, int]) -> tuple[int, int]:
    if not 1 <= value[0] <= value[1] <= 15:
        raise ValueError("two lengths from 1 to 15 are allowed, the shorter one first, such as [2, 6]")
    return value


Region = Annotated[str, AfterValidator(_region)]
Countries = Annotated[tuple[str, ...], AfterValidator(_countries)]
Lengths = Annotated[tuple[int, int], AfterValidator(_lengths)]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Listen = Annotated[str, AfterValidator(_listen)]
ListenOrNone = Annotated[str, AfterValidator(lambda value: value and _listen(value))]
HttpUrl = Annotated[str, AfterValidator(_http)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
OptionalDatabaseUrl = Annotated[str, AfterValidator(_database_or_none)]
PhoneTemplate = Annotated[str, _template("number")]
ExtensionTemplate = Annotated[str, _template("extension")]
Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]
DigitsOrNone = Annotated[str, Field(pattern=r"^[0-9*#]{0,15}$")]
