"""What callbacks need of others, and what the doors need of callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from waybell.callbacks.values import Asker, Callback, RefusedError, Wish


class PbxUnavailableError(ConnectionError):
    """Asterisk's REST interface cannot be reached or hangs. ``sent``: the request may have had its effect."""

    def __init__(self, what: str, *, sent: bool) -> None:
        super().__init__(what)
        self.sent = sent


class PbxRefusedError(Exception):
    """Asterisk answered and refused: ``status`` is the HTTP status, the text what it said and what to do."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


@dataclass(frozen=True, slots=True)
class Originate:
    """A channel to be made. ``dial`` is an endpoint (``PJSIP/7…@trunk``); times are seconds."""

    channel_id: str
    dial: str
    context: str
    extension: str
    caller_number: str
    caller_name: str
    ring_seconds: int
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """A channel that there is. ``up``: somebody has answered there; ``dialling``: what it dials, else empty."""

    up: bool = False
    dialling: str = ""


class Pbx(Protocol):
    """Asterisk, as callbacks need it."""

    async def originate(self, channel: Originate) -> None:
        """Ring it. Raises :class:`PbxUnavailableError` or :class:`PbxRefusedError`."""
        ...

    async def hangup(self, channel_id: str) -> bool:
        """End a channel; ``False`` when there is none of that id. Raises as :meth:`originate`."""
        ...

    async def channels(self) -> Mapping[str, Seen]:
        """All channels there are, by their ids. Raises as :meth:`originate`."""
        ...

    async def talking(self) -> frozenset[str]:
        """The ids of all channels that share a bridge with another one. Raises as :meth:`originate`."""
        ...

    async def started_at(self) -> datetime:
        """When this Asterisk started. Raises as :meth:`originate`."""
        ...


class Callbacks(Protocol):
    """What the doors use. Every method may raise :class:`~waybell.callbacks.values.RefusedError`."""

    async def request(self, asker: Asker, wish: Wish, key: str) -> Callback:
        """Place a call, once for each ``key`` of an asker's: asked again, the same call comes back."""
        ...

    async def refused(self, wish: Wish, refusal: RefusedError) -> None:
        """A door did not let a wish through to :meth:`request`: the journal is to tell of it. Never raises."""
        ...

    async def get(self, asker: Asker, callback_id: str) -> Callback | None:
        """The call as it stands; ``None`` when the asker has none of that id."""
        ...

    async def cancel(self, asker: Asker, callback_id: str) -> Callback | None:
        """End the call if it has not ended; ``None`` as in :meth:`get`."""
        ...
