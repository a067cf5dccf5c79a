"""Settings of the calls that Waybell places: lines, rules and limits, and who may ask over AMI."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator

from waybell.callbacks.hours import Hours
from waybell.callbacks.limits import Limits
from waybell.callbacks.lines import Line
from waybell.number_charges import regions_of
from waybell.setting_values import Countries, DigitsOrNone, ListenOrNone, Section, TimeOfDay, TimeZone

_CHANNEL = re.compile(r"[A-Za-z]+|[A-Za-z]+/\{NUMBER\}|[A-Za-z]+/[\w.-]+|[A-Za-z]+/\{NUMBER\}@[\w.-]+")


def _channel(value: str) -> str:
    if not _CHANNEL.fullmatch(value):
        raise ValueError("a channel such as SIP/trunk, SIP/{NUMBER}@trunk or PJSIP/{NUMBER}@trunk is allowed")
    return value


class CallLine(Section):
    """A way out: a provider, a GSM gateway, SIMs on a network of their own. One ``[[calls.lines]]`` each."""

    name: str = Field(description="what the journal calls it")
    regions: Countries = Field((), description="countries (RU) or calling codes (7) that it takes")
    prefixes: tuple[str, ...] = Field((), description="first digits of the numbers that it takes, without a plus")
    dial: str = Field(description="dial string; {number} is E.164 digits without plus")
    number: str = Field(
        "", pattern=r"^\+?[0-9]{0,15}$", description="shown to whoever is called; empty: company_number"
    )
    at_once: int = Field(30, ge=0, description="most calls at once; then the next line is taken")
    access_code: DigitsOrNone = Field("", description="put before the number when dialling")

    def line(self) -> Line:
        """As the rules have it. Raises :class:`ValueError`."""
        return Line(
            self.name, self.dial, self.number, regions_of(self.regions), self.prefixes, self.at_once, self.access_code
        )

    @model_validator(mode="after")
    def _is_one(self) -> CallLine:
        self.line()
        return self


class Callbacks(Section):
    """Calls that Waybell places for couriers and operators: what is allowed, and how much. 0: nobody may."""

    confirm: bool = Field(True, description="a courier presses a key before the customer is rung: no voicemail does")
    confirm_seconds: int = Field(10, ge=3, le=60, description="how long a key is waited for, twice")
    hours_from: TimeOfDay = Field("08:00", description="nobody is rung before this time of the day, where they are")
    hours_until: TimeOfDay = Field("21:00", description="nobody is rung from this time on; 24:00 is midnight")
    time_zone: TimeZone = Field("Europe/Moscow", description="the company's own zone, for numbers that may be anywhere")
    allowed_numbers: tuple[Annotated[str, Field(pattern=r"^[0-9]{2,15}$")], ...] = Field(
        (), description="numbers that may be called though they are short, shared-cost, premium or foreign"
    )
    courier_at_once: int = Field(1, ge=0, description="calls of one courier at once")
    courier_per_hour: int = Field(60, ge=0, description="calls of one courier in an hour")
    courier_per_day: int = Field(300, ge=0, description="calls of one courier in 24 hours")
    destination_per_day: int = Field(10, ge=0, description="calls to one number in 24 hours")
    company_at_once: int = Field(30, ge=0, description="calls of the whole company at once")
    company_per_second: int = Field(30, ge=0, description="calls that the company begins in a second")
    company_minutes_per_day: int = Field(3000, ge=0, description="minutes of the whole company in 24 hours")
    longest_call_seconds: int = Field(1800, ge=1, le=86400, description="a call is ended after so many seconds")

    def limits(self) -> Limits:
        """As the rules have them. Raises :class:`ValueError`."""
        return Limits(
            self.courier_at_once,
            self.courier_per_hour,
            self.courier_per_day,
            self.destination_per_day,
            self.company_at_once,
            self.company_per_second,
            self.company_minutes_per_day,
            self.longest_call_seconds,
        )

    def hours(self) -> Hours:
        """As the rules have them. Raises :class:`ValueError`."""
        return Hours(self.hours_from, self.hours_until, self.time_zone)

    @model_validator(mode="after")
    def _go_together(self) -> Callbacks:
        for key, made in (("company_minutes_per_day", self.limits), ("hours_until", self.hours)):
            try:
                made()
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
        return self


class AmiUser(Section):
    """Software that speaks AMI. One ``[[ami.users]]`` each."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$", description="its Username")
    secret: SecretStr = Field(min_length=8, description="its Secret, of at least 8 signs")
    networks: tuple[IPv4Network | IPv6Network, ...] = Field(description="where it may connect from")
    channel: Annotated[str, AfterValidator(_channel)] = Field(
        description="the Channel it writes: SIP/trunk, SIP/{NUMBER}@trunk"
    )
    context: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$", description="the Context it writes; it goes nowhere else")


class Ami(Section):
    """A door for software that speaks AMI (MeaSoft's mobile server): Login, Originate, Ping, Logoff and no more."""

    listen: ListenOrNone = Field("", description="address and port, such as 127.0.0.1:5038; empty: the door is shut")
    certificate: str = Field("", description="PEM file; with it the door speaks TLS only")
    private_key: str = Field("", description="PEM file of the certificate's key")
    users: tuple[AmiUser, ...] = Field((), description="who may ask; see [[ami.users]] in the admin guide")
