"""Every setting, typed, read once. The descriptions here are the comments that ``waybell init`` writes."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

DEMO_CRM = "sqlite+aiosqlite:///waybell-demo-crm.db"
"""The courier company that comes with Waybell; made where it is missing."""

_LISTEN = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\[\]]+):(\d{1,5})")
_DRIVERS = ("mysql+asyncmy", "mysql+aiomysql", "sqlite+aiosqlite")


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
        if rest == value or not re.fullmatch(r"[\w/@.:+-]+", rest):
            raise ValueError("a dial string of letters, digits and /@.:+-_ holding {" + name + "} is allowed")
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
    return value.rstrip("/")


def _lengths(value: tuple[int, int]) -> tuple[int, int]:
    if not 1 <= value[0] <= value[1] <= 15:
        raise ValueError("two lengths from 1 to 15 are allowed, the shorter one first, such as [2, 6]")
    return value


Listen = Annotated[str, AfterValidator(_listen)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]
DigitsOrNone = Annotated[str, Field(pattern=r"^[0-9*#]{0,15}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Numbers(_Section):
    """How telephone numbers are written where the PBX stands."""

    region: Annotated[str, AfterValidator(_region)] = Field("RU", description="region of a number without country code")
    outside_code: str = Field("", pattern=r"^[0-9]{0,4}$", description="digits dialled for an outside line, such as 9")
    extension_digits: Annotated[tuple[int, int], AfterValidator(_lengths)] = Field(
        (2, 6), description="shortest and longest internal extension"
    )


class Crm(_Section):
    """The courier company's database, read only."""

    url: DatabaseUrl = Field(
        DEMO_CRM,
        description="SQLAlchemy URL of a read-only account: mysql+asyncmy://user:password@host/courier",
    )
    queries: str = Field(
        "measoft",
        min_length=1,
        description="a folder of SQL files that comes with Waybell (measoft, example), or a path to one's own",
    )
    deadline: float = Field(
        1.0, gt=0, le=10, allow_inf_nan=False, description="seconds a call may wait for the CRM in all"
    )
    connections: int = Field(4, ge=1, le=64, description="connections kept open to the CRM")
    cache_hours: Seconds = Field(24.0, description="how long an answer is kept for when the CRM fails")


class Store(_Section):
    """Waybell's own database."""

    url: DatabaseUrl = Field(
        "sqlite+aiosqlite:///waybell.db", description="journal, callbacks, feedback, flows, tokens"
    )


class Agi(_Section):
    """The door that Asterisk's dialplan asks at."""

    listen: Listen = Field(
        "127.0.0.1:4573", description="address and port; only loopback unless allow_remote lists networks"
    )
    allow_remote: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="networks that may ask from elsewhere: whoever asks here can run anything on the PBX"
    )
    max_connections: int = Field(500, ge=1, le=65535, description="connections at once")
    session_seconds: Seconds = Field(3.0, description="longest time one step may take in all")

    @model_validator(mode="after")
    def _loopback_unless_allowed(self) -> Agi:
        if not self.allow_remote and not ip_address(self.listen.rpartition(":")[0].strip("[]")).is_loopback:
            raise ValueError(
                f"listen: {self.listen} is not a loopback address; allowed once agi.allow_remote lists networks"
            )
        return self


class Ari(_Section):
    """Asterisk's REST interface."""

    url: Annotated[str, AfterValidator(_http)] = Field("http://127.0.0.1:8088", description="Asterisk's HTTP server")
    user: str = Field("waybell", min_length=1, description="user in ari.conf")
    password: SecretStr = Field(SecretStr("waybell"), min_length=1, description="that user's password")
    app: str = Field("waybell", pattern=r"^[A-Za-z0-9_-]{1,40}$", description="name of our Stasis application")


class Web(_Section):
    """The HTTP API and console."""

    listen: Listen = Field("127.0.0.1:8080", description="address and port")


class Calls(_Section):
    """Who is rung, and how."""

    company_number: str = Field("", pattern=r"^\+?[0-9]{0,15}$", description="shown to whoever we call")
    phone_dial: Annotated[str, _template("number")] = Field(
        "PJSIP/{number}@trunk",
        description="how an outside phone is reached; {number} is E.164 digits without plus",
    )
    extension_dial: Annotated[str, _template("extension")] = Field(
        "PJSIP/{extension}", description="how an employee's extension is reached"
    )
    ring_seconds: int = Field(25, ge=1, le=600, description="how long a phone rings before the next is tried")
    office: str = Field(
        "500",
        pattern=r"^[0-9]{1,15}(,[0-9]{1,15})*$",
        description="extension that gets every call nobody else takes",
    )
    courier_prefix: DigitsOrNone = Field("", description="put before a courier's number when dialling")
    client_prefix: DigitsOrNone = Field("", description="put before a customer's number when dialling")
    show_recipient: bool = Field(False, description="show couriers the recipient's number instead of the company's")
    language: Literal["ru", "en"] = Field("ru", description="language of the spoken menu")


class Routing(_Section):
    """The way of a call."""

    flow: str = Field("", description="path of an own flow (YAML); empty: the one that comes with Waybell")


class Cel(_Section):
    """Asterisk's event log, the source of the journal."""

    path: str = Field(
        "/var/log/asterisk/cel-custom/waybell.csv",
        min_length=1,
        description="the PBX's event log that the journal is folded from",
    )
    pbx: str = Field(
        "pbx1", pattern=r"^[A-Za-z0-9_]{1,20}$", description="this PBX's name, in front of every call's id"
    )


class Recordings(_Section):
    """Where recordings are kept."""

    url: str = Field(
        "file:///var/spool/asterisk/monitor",
        pattern=r"^[a-z0-9]+://",
        description="any fsspec URL: file, sftp, ftp, s3",
    )


class Log(_Section):
    """What is written while running."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severity written")
    format: Literal["text", "json"] = Field("text", description="text for people, json for collectors")


class Settings(_Section):
    """All of it."""

    numbers: Numbers = Numbers()
    crm: Crm = Crm()
    store: Store = Store()
    agi: Agi = Agi()
    ari: Ari = Ari()
    web: Web = Web()
    calls: Calls = Calls()
    routing: Routing = Routing()
    cel: Cel = Cel()
    recordings: Recordings = Recordings()
    log: Log = Log()
