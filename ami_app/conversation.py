"""What one AMI peer is answered: login first, then calls. Knows no sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from ami_app.guard import Guard
from ami_app.limits import Counters, Limits
from ami_app.login import new_challenge, who
from ami_app.messages import Action, Answer, Response, Unreadable
from ami_app.originate import NotAllowedError, wish
from ami_app.taps import Taps
from ami_app.users import Address, AmiUser
from waybell.callbacks.ports import Callbacks
from waybell.callbacks.values import Asker, ByPhones, Callback, RefusedError, Status
from waybell.throttle import Throttled

_REFUSAL_SECONDS = 0.5
_DENIED = Answer(Response.ERROR, "Permission denied")
_FAILED = Answer(Response.ERROR, "Authentication failed", ends=True)
_ACCEPTED = Answer(Response.SUCCESS, "Authentication accepted")
_QUEUED = Answer(Response.SUCCESS, "Originate successfully queued")
_GOODBYE = Answer(Response.GOODBYE, "Thanks for all the fish.", ends=True)


@dataclass(frozen=True, slots=True)
class Desk:
    """What all conversations of one server share. ``monotonic`` gives seconds, ``sleep`` waits some."""

    callbacks: Callbacks
    users: Mapping[str, AmiUser]
    limits: Limits
    counters: Counters
    log: Throttled
    taps: Taps = field(default_factory=Taps)
    guard: Guard = field(default_factory=Guard)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Conversation:
    """One peer's messages, answered in their order. ``user`` is who logged in."""

    __slots__ = ("_address", "_challenge", "_desk", "user")

    def __init__(self, desk: Desk, address: Address) -> None:
        """``address`` is the peer's."""
        self._desk = desk
        self._address = address
        self._challenge = ""
        self.user: AmiUser | None = None

    async def answer(self, message: Action | Unreadable) -> Answer:
        """The answer to ``message``. Raises nothing of a call's: that is an answer too."""
        if isinstance(message, Unreadable):
            self._desk.counters.unreadable += 1
            # A stranger that cannot write a message is no client: a browser, a scanner.
            return Answer(Response.ERROR, f"Unreadable message: {message.why}", ends=self.user is None)
        if message.name == "logoff":
            return _GOODBYE
        return await (self._serve(message, self.user) if self.user else self._let_in(message))

    async def _let_in(self, action: Action) -> Answer:
        if action.name == "login":
            return await self._login(action)
        if action.name != "challenge":
            return self._deny()
        if action.value("authtype").lower() != "md5":
            return Answer(Response.ERROR, "Must specify AuthType")
        self._challenge = new_challenge()
        return Answer(Response.SUCCESS, fields=(("Challenge", self._challenge),))

    async def _serve(self, action: Action, user: AmiUser) -> Answer:
        if action.name == "ping":
            return Answer(Response.SUCCESS, fields=(("Ping", "Pong"), ("Timestamp", f"{time.time():.6f}")))
        if action.name == "originate":
            return await self._originate(action, user)
        return self._deny()

    def _deny(self) -> Answer:
        self._desk.counters.denied += 1
        return _DENIED

    async def _login(self, action: Action) -> Answer:
        desk, challenge, self._challenge = self._desk, self._challenge, ""
        seconds = desk.guard.wait(self._address, desk.monotonic())
        if seconds is None:
            return self._failed("it failed too often; it is not looked at")
        if seconds:
            await desk.sleep(seconds)
        self.user = who(action, desk.users, challenge, self._address)
        if self.user is None:
            desk.guard.failed(self._address, desk.monotonic())
            # As Asterisk does: a client that sends its login in two goes would else find the connection closed.
            await desk.sleep(_REFUSAL_SECONDS)
            return self._failed("no such user, wrong secret, or a network that the user may not come from")
        desk.guard.succeeded(self._address)
        desk.counters.logins += 1
        return _ACCEPTED

    def _failed(self, why: str) -> Answer:
        self._desk.counters.login_failures += 1
        self._desk.log.warning("ami login refused", peer=str(self._address), why=why)
        return _FAILED

    async def _originate(self, action: Action, user: AmiUser) -> Answer:
        desk = self._desk
        try:
            wanted = wish(action, user)
            key = desk.taps.key(user.name, wanted.caller, wanted.to)
            async with asyncio.timeout(desk.limits.request_seconds):
                placed = await desk.callbacks.request(Asker(f"ami:{user.name}"), wanted, key)
        except NotAllowedError as error:
            wanted = ByPhones(user.number_in(action.value("channel")) or "", action.value("exten"))
            refusal = RefusedError("not-allowed", 403, "Not allowed", f"AMI user {user.name}: {error}.")
            await desk.callbacks.refused(wanted, refusal)
            return self._refused(user, "ami originate refused", str(error))
        except RefusedError as error:
            desk.counters.originate_refusals += 1
            return Answer(Response.ERROR, f"{error.title}: {error.detail}")
        except TimeoutError:
            return self._errored(user, f"it took over {desk.limits.request_seconds:g} seconds", None)
        except Exception as error:
            return self._errored(user, "an error here", error)
        return self._placed(placed)

    def _placed(self, callback: Callback) -> Answer:
        if callback.status is Status.FAILED:
            self._desk.counters.originate_refusals += 1
            return Answer(Response.ERROR, f"Originate failed: {callback.reason or 'unknown'}")
        self._desk.counters.originates += 1
        return _QUEUED

    def _refused(self, user: AmiUser, what: str, why: str) -> Answer:
        self._desk.counters.originate_refusals += 1
        self._desk.log.warning(what, user=user.name, peer=str(self._address), why=why)
        return Answer(Response.ERROR, why)

    def _errored(self, user: AmiUser, why: str, error: Exception | None) -> Answer:
        self._desk.counters.originate_errors += 1
        self._desk.log.warning("ami originate failed", user=user.name, why=why, exc_info=error)
        return Answer(Response.ERROR, f"Originate failed: {why}; whether the call is placed is not known")
