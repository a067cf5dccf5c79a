"""What Asterisk's events mean for the calls that Waybell placed, told to :class:`CallbackService`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError

from ari_app.delivery import NotNowError
from ari_app.events import ChannelDestroyed, ChannelHangupRequest, ChannelStateChange, Dial, Event
from waybell.callbacks.causes import is_line_failure
from waybell.callbacks.happenings import FirstAnswered, FirstEnded, Happening, SecondAnswered, SecondFailed
from waybell.callbacks.values import Callback, Reason

T = TypeVar("T")

# The line failed, not the called: the dialplan may try the next one, so nothing is over before the first phone's end.
_LINE_FAILED = ("CHANUNAVAIL", "CONGESTION")
_ENDS = ("BUSY", "NOANSWER", *_LINE_FAILED)
_REASONS: Mapping[str, Reason | None] = MappingProxyType({"BUSY": None, "NOANSWER": Reason.NO_ANSWER})
# Channels of which something is remembered between two events; far more than there are calls at once.
_REMEMBERED = 2000
# Checks come every second.
_THOROUGH_EVERY = 30


class Calls(Protocol):
    """What is needed of :class:`waybell.callbacks.service.CallbackService`."""

    def callback_id(self, channel_id: str) -> str:
        """The call whose first channel this is; empty for any other channel."""
        ...

    async def happened(self, callback_id: str, happening: Happening) -> Callback | None:
        """Something was heard of a call."""
        ...

    async def dialled(self, callback_id: str, dialstring: str) -> Callback | None:
        """The second phone is dialled."""
        ...

    async def first_ended(self, channel_id: str, ended: FirstEnded) -> Callback | None:
        """A first channel is gone."""
        ...

    async def reconcile(self, *, thorough: bool = False) -> list[Callback]:
        """Ends the calls whose end nobody saw."""
        ...


class CallSupervisor:
    """Follows the calls under way. Between two events it holds no more than causes, which are lost without harm."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._causes: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._failed_line: OrderedDict[str, tuple[str, int, int]] = OrderedDict()
        self._checks = 0
        self._log = structlog.get_logger("callbacks")

    async def on_event(self, event: Event) -> None:
        """See :class:`ari_app.delivery.Supervisor`."""
        with _store_that_may_come_back():
            if isinstance(event, Dial):
                await self._on_dial(event)
            elif isinstance(event, ChannelHangupRequest):
                _remember(self._causes, event.channel_id, (event.cause, event.tech_cause))
            elif isinstance(event, ChannelStateChange) and event.state == "Up":
                await self._on_up(event)
            elif isinstance(event, ChannelDestroyed):
                await self._on_end(event)

    async def on_connected(self) -> None:
        """See :class:`ari_app.delivery.Supervisor`."""
        self._checks = 0
        await self.on_check()

    async def on_check(self) -> None:
        """See :class:`ari_app.delivery.Supervisor`. The first, and then now and then one, is thorough."""
        thorough = self._checks % _THOROUGH_EVERY == 0
        with _store_that_may_come_back():
            ended = await self._calls.reconcile(thorough=thorough)
        self._checks += 1
        for call in ended:
            self._log.warning("a call ended unseen", call=call.id, status=call.status.value, reason=call.reason)

    async def on_lost(self, why: str) -> None:
        """See :class:`ari_app.delivery.Supervisor`."""

    async def _on_up(self, event: ChannelStateChange) -> None:
        if call := self._calls.callback_id(event.channel_id):
            await self._calls.happened(call, FirstAnswered())

    async def _on_dial(self, event: Dial) -> None:
        call = self._calls.callback_id(event.caller_id)
        if not call:
            return
        status = event.dialstatus
        if not status:
            await self._calls.dialled(call, event.dialstring)
            return
        cause, sip_cause = self._causes.get(event.peer_id, (0, 0))
        if status == "ANSWER":
            self._failed_line.pop(call, None)
            await self._calls.happened(call, SecondAnswered())
        elif status in _ENDS and _may_go_on(status, sip_cause):
            _remember(self._failed_line, call, (status, cause, sip_cause))
        elif status in _ENDS:
            await self._calls.happened(call, SecondFailed(_reason(status, cause), cause, sip_cause))

    async def _on_end(self, event: ChannelDestroyed) -> None:
        refused = event.channel_id in self._causes
        call = self._calls.callback_id(event.channel_id)
        if call:
            # A phone that rings out ends as one that answered 480 does, but nobody asked to hang it up.
            sip_cause = event.tech_cause if refused else 0
            status, cause, sip_cause = self._failed_line.get(call, ("", event.cause, sip_cause))
            # Whoever has the first phone hung up, where the dialplan would have given a cause.
            ended = FirstEnded(cause, sip_cause, status, hung_up=event.cause == 0)
            await self._calls.first_ended(event.channel_id, ended)
            self._failed_line.pop(call, None)
        # Only now: what could not be stored is told again.
        self._causes.pop(event.channel_id, None)


@contextmanager
def _store_that_may_come_back() -> Iterator[None]:
    try:
        yield
    except (DataError, IntegrityError, ProgrammingError):
        raise  # the same event would be refused again, and hold up all others meanwhile
    except (SQLAlchemyError, TimeoutError) as error:
        raise NotNowError(f"the store gives no answer: {type(error).__name__}") from error


def _reason(status: str, cause: int) -> Reason | None:
    """``NOANSWER`` is Asterisk's word for a refusal (603) too; then the cause knows better."""
    return None if cause else _REASONS.get(status)


def _may_go_on(status: str, sip_cause: int) -> bool:
    """Whether the dialplan may try the next line: by the rule that it goes by itself."""
    return is_line_failure(0, sip_cause) if sip_cause else status in _LINE_FAILED


def _remember(where: OrderedDict[str, T], key: str, value: T) -> None:
    where[key] = value
    while len(where) > _REMEMBERED:
        where.popitem(last=False)
