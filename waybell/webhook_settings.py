"""Settings of webhooks: who is told what happens to calls, and how."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from waybell.setting_values import Section

_LONGEST_URL = 2000


class EventName(StrEnum):
    """What a webhook may be told of."""

    CALL_STARTED = "call.started"
    CALL_ROUTED = "call.routed"
    CALL_ANSWERED = "call.answered"
    CALL_ENDED = "call.ended"
    CALL_MISSED = "call.missed"
    CALL_JOINED = "call.joined"
    FEEDBACK_RECEIVED = "feedback.received"
    CALLBACK_CHANGED = "callback.changed"


def _url(value: str) -> str:
    try:
        url = urlsplit(value)
        good = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and not url.fragment
    except ValueError:
        good = False
    if not good or len(value) > _LONGEST_URL or not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("a URL beginning with https:// or http:// is allowed, in ASCII and without a fragment")
    if "@" in urlsplit(value).netloc:
        raise ValueError("a URL without user and password is allowed: the receiver checks the signature")
    return value


class Webhook(Section):
    """Somebody's HTTP server that is told what happens. One ``[[webhooks]]`` each."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$", description="what the list of deliveries calls it")
    url: Annotated[str, AfterValidator(_url)] = Field(description="where events are sent, with POST")
    events: tuple[EventName, ...] = Field(min_length=1, description="what is sent: call.ended, callback.changed, …")
    secret: SecretStr = Field(min_length=16, description="key of the signature, of at least 16 signs")
    allow_private: bool = Field(False, description="the URL may lead to this machine or a private network")
    template: str = Field("", max_length=20_000, description="a body of one's own; {data.call.parcel} is replaced")
    content_type: Literal["application/json", "application/xml", "application/x-www-form-urlencoded", "text/plain"] = (
        Field("application/json", description="of the template's body; decides how values are escaped")
    )

    @model_validator(mode="after")
    def _template_fits(self) -> Webhook:
        from waybell.webhooks.template import check

        if self.template:
            check(self.template, self.content_type)
        return self


def names_differ(webhooks: tuple[Webhook, ...]) -> tuple[Webhook, ...]:
    """Raises :class:`ValueError` when two have the same name: deliveries are counted by it."""
    names = [webhook.name for webhook in webhooks]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"one webhook of each name is allowed, not two named {name!r}")
    return webhooks


Webhooks = Annotated[tuple[Webhook, ...], AfterValidator(names_differ)]
