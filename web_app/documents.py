"""The documents of the callbacks' API: what is sent, and what comes back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from waybell.callbacks.values import ByNumber, ByParcel, Callback, Click, Reason, Side, Status, Test

Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]


def _without_default(schema: JsonDict) -> None:
    """Left out is not the same as sent empty."""
    schema.pop("default", None)


class CallbackBody(BaseModel):
    """Ring the courier, then the recipient of a parcel or a number: exactly one of ``parcel`` and ``to``."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"oneOf": [{"required": ["parcel"]}, {"required": ["to"]}]}
    )

    courier: Text = Field(description="The courier's id in the CRM")
    parcel: Text = Field(default="", json_schema_extra=_without_default, description="The parcel's id in the CRM")
    to: Text = Field(default="", json_schema_extra=_without_default, description="A phone number, in any spelling")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if bool(self.parcel) == bool(self.to):
            raise ValueError("give either parcel or to, and not both")
        return self

    def wish(self) -> ByParcel | ByNumber:
        """What is wished for."""
        return ByParcel(self.courier, self.parcel) if self.parcel else ByNumber(self.courier, self.to)


class ClickBody(BaseModel):
    """Ring an extension, then a number."""

    model_config = ConfigDict(extra="forbid")

    extension: Text = Field(description="The operator's own extension; of several (199,100) the first rings")
    to: Text = Field(description="A phone number, in any spelling")

    def wish(self) -> Click:
        """What is wished for."""
        return Click(self.extension, self.to)


class TestBody(BaseModel):
    """Join two phones, to see whether it works."""

    __test__ = False  # pytest takes it for one of its own
    model_config = ConfigDict(extra="forbid")

    caller: Text = Field(alias="from", description="The phone that is rung first: a number or an extension")
    to: Text = Field(description="The phone that is rung then")

    def wish(self) -> Test:
        """What is wished for."""
        return Test(self.caller, self.to)


class CallbackSide(StrEnum):
    """Which of the two phones."""

    COURIER = "courier"
    RECIPIENT = "recipient"


_SIDES = {Side.FIRST: CallbackSide.COURIER, Side.SECOND: CallbackSide.RECIPIENT}


class CallbackDocument(BaseModel):
    """How far a call has come. It holds no number: neither side is to learn the other's."""

    id: str
    status: Status
    reason: Reason | None = Field(description="Why it failed; `unknown`: its end was not seen, it is not dialled again")
    side: CallbackSide | None = Field(description="On whose side it failed; an operator's extension is `courier`")
    cause: int | None = Field(description="Q.850 cause")
    sip_cause: int | None = Field(description="SIP status of the phone that failed")
    courier: str | None
    parcel: str | None
    created_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    ring_seconds: float = Field(description="How long the second phone rang")

    @classmethod
    def of(cls, callback: Callback) -> CallbackDocument:
        """``callback`` as those may see it who asked for it."""
        return cls(
            id=callback.id,
            status=callback.status,
            reason=callback.reason,
            side=_SIDES[callback.side] if callback.side else None,
            cause=callback.cause or None,
            sip_cause=callback.sip_cause or None,
            courier=callback.plan.courier or None,
            parcel=callback.plan.parcel or None,
            created_at=callback.created_at,
            changed_at=callback.changed_at,
            ended_at=callback.ended_at,
            ring_seconds=callback.ring_seconds,
        )
