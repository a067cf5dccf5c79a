"""Every setting, typed, read once. The descriptions here are the comments that ``waybell init`` writes."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from waybell.keep_settings import Keep
from waybell.missed_settings import Attempts, Missed
from waybell.placing_settings import Ami, Callbacks, CallLine
from waybell.recording_settings import Feedback, Recordings
from waybell.setting_values import (
    Countries,
    DatabaseUrl,
    DigitsOrNone,
    ExtensionTemplate,
    HttpUrl,
    Lengths,
    Listen,
    OptionalDatabaseUrl,
    PhoneTemplate,
    Region,
    Seconds,
    Section,
)
from waybell.webhook_settings import Webhooks

DEMO_CRM = "sqlite+aiosqlite:///waybell-demo-crm.db"
"""The courier company that comes with Waybell; made where it is missing."""


class Numbers(Section):
    """How telephone numbers are written where the PBX stands."""

    region: Region = Field("RU", description="region of a number without country code")
    outside_code: str = Field("", pattern=r"^[0-9]{0,4}$", description="digits dialled for an outside line, such as 9")
    extension_digits: Lengths = Field((2, 6), description="shortest and longest internal extension")


class Crm(Section):
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
        1.0,
        gt=0,
        lt=3.5,
        allow_inf_nan=False,
        description="seconds a call may wait for the CRM in all; below agi.session_seconds",
    )
    connections: int = Field(4, ge=1, le=64, description="connections kept open to the CRM")
    cache_hours: Seconds = Field(24.0, description="how long an answer is kept for when the CRM fails")


class Store(Section):
    """Waybell's own database."""

    url: DatabaseUrl = Field(
        "sqlite+aiosqlite:///waybell.db", description="journal, callbacks, feedback, flows, tokens"
    )
    search_seconds: float = Field(
        5.0,
        ge=0.1,
        le=60,
        allow_inf_nan=False,
        description="longest time a question to the journal may take; then it is refused and told to be narrower",
    )


class Agi(Section):
    """The door that Asterisk's dialplan asks at."""

    listen: Listen = Field(
        "127.0.0.1:4573", description="address and port; only loopback unless allow_remote lists networks"
    )
    allow_remote: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="networks that may ask from elsewhere: whoever asks here can run anything on the PBX"
    )
    max_connections: int = Field(500, ge=1, le=65535, description="connections at once")
    session_seconds: float = Field(
        3.0,
        gt=0,
        le=3.5,
        allow_inf_nan=False,
        description="longest time one step may take in all; the dialplan goes on without us after 4 seconds",
    )

    @model_validator(mode="after")
    def _loopback_unless_allowed(self) -> Agi:
        if not self.allow_remote and not ip_address(self.listen.rpartition(":")[0].strip("[]")).is_loopback:
            raise ValueError(
                f"listen: {self.listen} is not a loopback address; allowed once agi.allow_remote lists networks"
            )
        return self


class Ari(Section):
    """Asterisk's REST interface, where callbacks are placed."""

    url: HttpUrl = Field("http://127.0.0.1:8088", description="Asterisk's HTTP server")
    user: str = Field("waybell", min_length=1, description="user in ari.conf")
    password: SecretStr = Field(SecretStr("waybell"), min_length=1, description="that user's password")
    app: str = Field(
        "waybell",
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="name of our Stasis application; another one for each Waybell on the same PBX",
    )


class Web(Section):
    """The HTTP API and console."""

    listen: Listen = Field("127.0.0.1:8080", description="address and port")


class Calls(Section):
    """Who is rung, and how."""

    company_number: str = Field(
        "",
        pattern=r"^\+?[0-9]{0,15}$",
        description="shown to whoever we call; without it a courier sees none, and a trunk may refuse the call",
    )
    phone_dial: PhoneTemplate = Field(
        "PJSIP/{number}@trunk",
        description="how an outside phone is reached; {number} is E.164 digits without plus",
    )
    countries: Countries = Field(
        (),
        description="where a number that the CRM holds may be dialled: countries (RU) or calling codes (7); "
        "empty: numbers.region and all that share its calling code",
    )
    extension_dial: ExtensionTemplate = Field("PJSIP/{extension}", description="how an employee's extension is reached")
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
    lines: tuple[CallLine, ...] = Field(
        (),
        description="ways out for calls that Waybell places, see [[calls.lines]] in the admin guide; else phone_dial",
    )


class Routing(Section):
    """The way of a call."""

    flow: str = Field("", description="path of an own flow (YAML); empty: the one that comes with Waybell")


class Cel(Section):
    """Asterisk's event log, the source of the journal."""

    path: str = Field(
        "/var/log/asterisk/cel-custom/waybell.csv",
        min_length=1,
        description="the PBX's event log that the journal is folded from",
    )
    url: OptionalDatabaseUrl = Field(
        "",
        description="instead of cel.path, for a PBX on another machine: the database its cel_odbc writes; read only",
    )
    table: str = Field("cel", pattern=r"^[A-Za-z0-9_]{1,60}$", description="the table there; see sql/cel/mysql.sql")
    pbx: str = Field(
        "pbx1", pattern=r"^[A-Za-z0-9_]{1,20}$", description="this PBX's name, in front of every call's id"
    )


class Log(Section):
    """What is written while running."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severity written")
    format: Literal["text", "json"] = Field("text", description="text for people, json for collectors")


class Settings(Section):
    """All of it."""

    numbers: Numbers = Numbers()
    crm: Crm = Crm()
    store: Store = Store()
    agi: Agi = Agi()
    ari: Ari = Ari()
    web: Web = Web()
    calls: Calls = Calls()
    callbacks: Callbacks = Callbacks()
    ami: Ami = Ami()
    routing: Routing = Routing()
    cel: Cel = Cel()
    keep: Keep = Keep()
    recordings: Recordings = Recordings()
    feedback: Feedback = Feedback()
    missed: Missed = Missed()
    attempts: Attempts = Attempts()
    log: Log = Log()
    webhooks: Webhooks = ()

    @model_validator(mode="after")
    def _crm_before_agi(self) -> Settings:
        deadline, session = self.crm.deadline, self.agi.session_seconds
        if deadline >= session:
            raise ValueError(
                f"crm.deadline: {deadline:g} is allowed once it is below agi.session_seconds, which is {session:g}: "
                "a step that ends while it waits for the CRM sends the call to the office"
            )
        return self
