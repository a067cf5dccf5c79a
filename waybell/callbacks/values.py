"""A call that Waybell places, as values: what is asked for, whom it joins, how far it has come. No I/O.

Two legs: the *first* phone is rung (a courier's mobile, an operator's extension); only when somebody has answered there
is the *second* one dialled. Neither side learns the other's number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What sort of call: a courier's callback, an operator's click to call, an admin's test of two phones."""

    CALLBACK = "callback"
    CLICK = "click"
    TEST = "test"


class Status(StrEnum):
    """How far a call has come."""

    REQUESTED = "requested"
    CALLING_COURIER = "calling_courier"
    CONFIRMING = "confirming"
    CALLING_RECIPIENT = "calling_recipient"
    TALKING = "talking"
    DONE = "done"
    FAILED = "failed"


FINAL = frozenset((Status.DONE, Status.FAILED))


class Reason(StrEnum):
    """Why a call failed. ``UNKNOWN``: its end was not seen, so it may have been a call; it is never dialled again."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NOT_CONFIRMED = "not_confirmed"
    CANCELLED = "cancelled"
    HUNG_UP = "hung_up"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


class Side(StrEnum):
    """Which of the two phones."""

    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class Party:
    """One of the two phones. ``number``: E.164 digits without plus, or an extension."""

    number: str
    kind: str = ""
    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ByParcel:
    """The courier wants the recipient of ``parcel``."""

    courier: str
    parcel: str


@dataclass(frozen=True, slots=True)
class ByNumber:
    """The courier wants the number ``to``, in any spelling."""

    courier: str
    to: str


@dataclass(frozen=True, slots=True)
class ByPhones:
    """Whoever has the phone ``caller`` wants the number ``to``; both as an AMI client wrote them.

    ``workplace``: the client is a desk's, and its phones are extensions; no other may ring one.
    """

    caller: str
    to: str
    workplace: bool = False


@dataclass(frozen=True, slots=True)
class Click:
    """The operator at ``extension`` wants the number ``to``."""

    extension: str
    to: str


@dataclass(frozen=True, slots=True)
class Test:
    """An admin joins two phones to see whether it works."""

    __test__ = False  # pytest takes it for one of its own

    caller: str
    to: str


Wish = ByParcel | ByNumber | ByPhones | Click | Test


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks. ``owner`` names the token or AMI user, and is the name space of its idempotency keys; a token of a
    courier's is bound to that ``courier``.
    """

    owner: str
    courier: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A call that is allowed: whom it joins, about which parcel. ``client``: whose parcel it is."""

    kind: Kind
    first: Party
    second: Party
    courier: str = ""
    parcel: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True)
class Callback:
    """A call as it is stored. Times are UTC with zone; ``cause`` is Q.850, ``sip_cause`` the SIP status, 0 if unknown.

    ``ring_seconds``: how long the second phone rang. ``first_line`` and ``second_line`` name the lines in use;
    ``tries``: over how many lines the first phone was rung.
    """

    id: str
    plan: Plan
    status: Status
    created_at: datetime
    changed_at: datetime
    reason: Reason | None = None
    side: Side | None = None
    cause: int = 0
    sip_cause: int = 0
    first_line: str = ""
    second_line: str = ""
    tries: int = 0
    first_answered_at: datetime | None = None
    second_rung_at: datetime | None = None
    second_answered_at: datetime | None = None
    ended_at: datetime | None = None
    cancel_asked: bool = False

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def ring_seconds(self) -> float:
        """How long the second phone rang; 0 when it was not dialled."""
        if self.second_rung_at is None:
            return 0.0
        until = self.second_answered_at or self.ended_at
        return max(0.0, (until - self.second_rung_at).total_seconds()) if until else 0.0


class RefusedError(Exception):
    """A call that is not placed. ``type`` names the rule (``foreign-parcel``, ``no-number``, …; the last part of the
    problem document's type), ``status`` is the HTTP status, ``retry_after`` seconds where waiting helps.
    """

    def __init__(self, type_: str, status: int, title: str, detail: str, retry_after: int = 0) -> None:
        super().__init__(detail)
        self.type = type_
        self.status = status
        self.title = title
        self.detail = detail
        self.retry_after = retry_after
