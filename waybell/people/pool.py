"""A few long-lived connections, made ahead and re-made in the background, and the knowledge whether the CRM is there.

Nobody waits here for a connection attempt of their own: attempts run in the background, and whoever waits gets the
next session that is free. While the CRM is *down* nobody waits at all; one attempt after the other goes on until one
succeeds, and then it is up again. An attempt ends with the CRM having answered a question, so success means service.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

import structlog

# So many failures in a row, with no success between them, and the CRM counts as down.
_FAILURES = 3
# A server that accepts but does not greet (stopped, overloaded) greets at once when it goes on, so attempts get more
# patient: each one given up counts towards the server's max_connect_errors, after which it would shut us out.
_PATIENCE = (4.0, 8.0, 16.0, 30.0)
_PAUSES = (0.1, 0.2, 0.5, 1.0)
_IDLE_SECONDS = 30.0
_GOODBYE_SECONDS = 0.5


class Abortable(Protocol):
    """A connection that can be dropped."""

    def abort(self) -> asyncio.Future[Any] | None:
        """Drop the connection now; what is returned is done when nothing is left of it."""


class Pooled(Abortable, Protocol):
    """What the pool needs of a session. ``last_used`` is the loop's time of its last answer."""

    last_used: float

    async def probe(self) -> None:
        """Ask something cheap, to see that the CRM answers."""

    async def close(self) -> None:
        """Say goodbye and close."""


S = TypeVar("S", bound=Pooled)


class CrmDown(ConnectionError):  # noqa: N818 - a state, not a mistake
    """The CRM cannot be asked just now; the text says why."""


class Pool(Generic[S]):
    """At most ``size`` sessions that ``connect`` makes. ``explain`` puts an error into one sentence."""

    def __init__(self, connect: Callable[[], Awaitable[S]], size: int, explain: Callable[[BaseException], str]) -> None:
        self.down = ""
        self._connect, self._size, self._explain = connect, size, explain
        self._idle: list[S] = []
        self._waiters: deque[asyncio.Future[S]] = deque()
        self._out: set[S] = set()
        self._connecting = 0
        self._failures = 0
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Future[Any]] = set()
        self._log = structlog.get_logger("people")

    def start(self) -> None:
        """Make the first connection in the background, and keep idle ones alive."""
        self._closed = False
        self._refill()
        self._spawn(self._keep_alive())

    async def take(self) -> S:
        """A session to use alone; give it back with :meth:`give`, or :meth:`drop` it after any error or cancel.

        Raises :class:`CrmDown` at once while the CRM is down. Waits without end else: the caller has the deadline.
        """
        if self._idle:
            session = self._idle.pop()
            self._out.add(session)
            return session
        if self.down or self._closed:
            raise CrmDown(self.down or "the connection to the CRM is closed")
        return await self._wait()

    def give(self, session: S) -> None:
        """``session`` answered and is free again."""
        self._come_up()
        self._out.discard(session)
        self._offer(session)

    def drop(self, session: S) -> None:
        """``session`` failed or was cancelled in the middle: it is never used again."""
        self._out.discard(session)
        self.abort(session)
        if (not self._out and not self._idle) or self._waiters:
            self._refill()

    def drop_idle(self) -> None:
        """The server went away: what lies idle is as dead as the session that showed it."""
        while self._idle:
            self.abort(self._idle.pop())

    def failed(self, why: str) -> None:
        """A lookup failed because of ``why``; after some in a row nobody waits any more."""
        self._failures += 1
        if self._failures >= _FAILURES:
            self._go_down(why)

    def abort(self, session: Abortable) -> None:
        """Drop ``session``, which may never have been in the pool; :meth:`close` waits until nothing is left of it."""
        ending = session.abort()
        if ending is not None:
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """End the attempts, turn away who waits, close every connection; within a second."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._turn_away("the connection to the CRM is closed")
        idle, self._idle = self._idle, []
        for session in self._out:
            self.abort(session)
        await asyncio.gather(*(self._goodbye(session) for session in idle))
        if self._ending:
            await asyncio.wait(self._ending, timeout=_GOODBYE_SECONDS)

    async def _wait(self) -> S:
        waiter: asyncio.Future[S] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._refill()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._out.discard(waiter.result())
                self._offer(waiter.result())  # it came in the moment we were cancelled; somebody else can use it
            raise

    def _offer(self, session: S) -> None:
        if self._closed:
            self.abort(session)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._out.add(session)
                waiter.set_result(session)
                return
        self._idle.append(session)

    def _refill(self) -> None:
        """Start as many attempts as there is a use for; one while nobody waits."""
        if self.down or self._closed:
            return  # the recovery makes the next one
        room = self._size - len(self._idle) - len(self._out)
        while self._connecting < min(max(1, len(self._waiters)), room):
            self._connecting += 1
            self._spawn(self._open_one())

    async def _open_one(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE[0]):
                session = await self._connect()
        except Exception as error:  # every driver has its own; all mean the same here
            self._connecting -= 1
            if not self._idle and not self._out:
                self._go_down(self._explain(error))
        except BaseException:
            self._connecting -= 1
            raise
        else:
            self._connecting -= 1
            self._come_up()
            self._offer(session)

    def _go_down(self, why: str) -> None:
        self._turn_away(why)
        self.drop_idle()
        if self.down or self._closed:
            return
        self.down = why
        self._log.error("the CRM is down; calls go on with remembered answers or to the office", why=why)
        self._spawn(self._recover())

    def _come_up(self) -> None:
        self._failures = 0
        if self.down:
            self.down = ""
            self._log.warning("the CRM answers again")

    async def _recover(self) -> None:
        attempt = 0
        while self.down:
            await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            try:
                async with asyncio.timeout(_PATIENCE[min(attempt, len(_PATIENCE) - 1)]):
                    session = await self._connect()
            except Exception as error:  # as in _open_one
                self.down = self.down and self._explain(error)
                attempt += 1
            else:
                self._come_up()
                self._offer(session)

    async def _keep_alive(self) -> None:
        """Firewalls and wait_timeout forget connections that are silent for long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_IDLE_SECONDS)
            for session in [s for s in self._idle if loop.time() - s.last_used >= _IDLE_SECONDS]:
                if session in self._idle:
                    self._idle.remove(session)
                    await self._probe(session)

    async def _probe(self, session: S) -> None:
        self._out.add(session)
        try:
            async with asyncio.timeout(_PATIENCE[0]):
                await session.probe()
        except Exception:  # whatever it is, this session is of no more use
            self.drop(session)
        except BaseException:
            self.drop(session)
            raise
        else:
            self.give(session)

    def _turn_away(self, why: str) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(CrmDown(why))

    async def _goodbye(self, session: S) -> None:
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await session.close()
        except Exception:  # it need not hear us
            self.abort(session)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
