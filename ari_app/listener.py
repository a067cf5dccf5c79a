"""Asterisk's events as they come, over a websocket that is made again whenever it is lost."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ari_app.access import Access
from ari_app.delivery import Connected, Delivery, Lost, Supervisor
from ari_app.events import ApplicationReplaced, parse
from ari_app.limits import Counters, Patience
from ari_app.refusals import no_answer, refusal, unreachable
from ari_app.trouble import Log, Trouble
from waybell.callbacks.ports import PbxRefusedError, PbxUnavailableError

_NO_PONG = "keepalive ping timeout"  # as the library words it


@dataclass(frozen=True, slots=True)
class _Ending:
    """Why a connection ended, and how many seconds to wait at least before the next."""

    why: str
    least_pause: float = 0.0


class _EndedError(Exception):
    """We end the connection ourselves."""

    def __init__(self, ending: _Ending) -> None:
        super().__init__(ending.why)
        self.ending = ending


class AriListener:
    """``await AriListener(access, supervisor, subscribe).run(stop)``: connected, or soon again, until ``stop`` is set.

    ``subscribe`` is awaited on each new connection and tells Asterisk which events are wanted
    (:meth:`ari_app.client.AriClient.subscribe`); only then is it connected.
    """

    def __init__(
        self,
        access: Access,
        supervisor: Supervisor,
        subscribe: Callable[[], Awaitable[None]],
        *,
        patience: Patience | None = None,
        log: Log | None = None,
    ) -> None:
        self.counters = Counters()
        self._access, self._subscribe = access, subscribe
        self._patience = patience or Patience()
        self._log: Log = log or structlog.get_logger("ari")
        self._loss = Trouble(self._log)
        self._delivery = Delivery(supervisor, self._patience, self.counters, Trouble(self._log))
        self._connected_at: float | None = None
        self._retry = self._patience.first_retry

    @property
    def connected(self) -> bool:
        """Whether events come just now, as far as is known."""
        return self._connected_at is not None

    def check(self) -> None:
        """Has the supervisor compare its calls with Asterisk's once all that has come is told; if there is Asterisk."""
        if self.connected:
            self._delivery.check()

    async def run(self, stop: asyncio.Event) -> None:
        """Returns soon after ``stop`` is set; what was read by then is told within ``patience.stopping`` seconds."""
        telling = asyncio.create_task(self._delivery.run(), name="ari events")
        listening = asyncio.create_task(self._listen(), name="ari websocket")
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((telling, listening, stopping), return_when=asyncio.FIRST_COMPLETED)
            await _ended(listening)
            self._delivery.end()
            await asyncio.wait((telling,), timeout=self._patience.stopping)
        finally:
            for task in (telling, listening, stopping):
                await _ended(task)
            self._connected_at = None

    async def _listen(self) -> None:
        while True:
            ending = await self._one_connection()
            pause = max(ending.least_pause, self._next_pause())
            self._down(ending, pause)
            if self._delivery.full:
                await self._delivery.drained()
            await asyncio.sleep(pause)

    async def _one_connection(self) -> _Ending:
        try:
            async with self._connect() as socket:
                await self._subscribe()
                self._up()
                await self._read(socket)
        except _EndedError as error:
            return error.ending
        except (PbxUnavailableError, PbxRefusedError) as error:
            return _Ending(str(error))
        except InvalidStatus as error:
            asked = f"to send events to application {self._access.app}"
            return _Ending(refusal(self._access, error.response.status_code, "", asked))
        except ConnectionClosed as error:
            return _Ending(_why_closed(error))
        except OSError as error:  # TimeoutError among them
            return _Ending(unreachable(self._access, error.strerror or str(error) or type(error).__name__))
        except Exception as error:  # whatever the other side sent, it is asked again
            return _Ending(no_answer(self._access, str(error) or type(error).__name__))
        return _Ending("Asterisk closed the connection")

    def _connect(self) -> connect:
        patience = self._patience
        return connect(
            self._access.events_url,
            additional_headers={"Authorization": self._access.authorization},
            compression=None,
            proxy=None,
            open_timeout=patience.opening,
            ping_interval=patience.ping_every,
            ping_timeout=patience.pong_within,
            close_timeout=patience.closing,
            max_size=patience.most_bytes,
            logger=_silent(),
        )

    async def _read(self, socket: ClientConnection) -> None:
        async for message in socket:
            event = parse(message, datetime.now(UTC))
            if event is None:
                self.counters.passed_over += 1
            elif isinstance(event, ApplicationReplaced):
                raise _EndedError(_Ending(self._replaced(), self._patience.replaced))
            elif self._delivery.full:
                raise _EndedError(_Ending(f"over {self._patience.most_waiting} events waited to be handled"))
            else:
                self.counters.events += 1
                self._delivery.put(event)

    def _up(self) -> None:
        self._connected_at = asyncio.get_running_loop().time()
        self.counters.connects += 1
        self._delivery.put(Connected())
        self._loss.over("asterisk's events come", app=self._access.app)

    def _down(self, ending: _Ending, pause: float) -> None:
        if self.connected:
            self._connected_at = None
            self.counters.losses += 1
            self._delivery.put(Lost(ending.why))
        self._loss.tell("asterisk's events do not come", ending.why, next_try_seconds=round(pause, 2))

    def _next_pause(self) -> float:
        """Twice as long each time, so that Asterisk is not stormed while it starts; never the same for two of us."""
        if self._connected_at is not None:
            held = asyncio.get_running_loop().time() - self._connected_at
            if held > self._patience.longest_retry:
                self._retry = self._patience.first_retry
        pause, self._retry = self._retry, min(self._retry * 2, self._patience.longest_retry)
        return pause * random.uniform(0.75, 1.0)  # noqa: S311 # no secret

    def _replaced(self) -> str:
        return (
            f"another program took the application {self._access.app} on {self._access.url}; "
            "give every instance of Waybell an ari.app of its own"
        )


async def _ended(task: asyncio.Task[object]) -> None:
    """Cancels ``task`` and waits for its end; raises what it raised by itself."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled() and (error := task.exception()):
        raise error


def _why_closed(error: ConnectionClosed) -> str:
    if error.rcvd and error.rcvd_then_sent is not False:
        return f"Asterisk closed the connection ({error.rcvd})"
    if error.sent is None:
        return f"the connection broke ({error.__cause__ or 'without a word'})"
    if error.sent.reason == _NO_PONG:
        return "Asterisk or the network between went silent"
    return f"what came is not what Asterisk sends ({error.sent})"


def _silent() -> logging.Logger:
    """The library's own log would show the password's header at level DEBUG, and every loss once more."""
    logger = logging.Logger("ari websocket")
    logger.disabled = True
    return logger
