"""A laboratory phone: one UDP socket that calls as anybody and is called under any number.

What it does when called is set per called user (:data:`BUSY`, :class:`Answer`, …); every INVITE that came is kept with
its raw bytes. What it sends can be any bytes. It needs no registration.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from lab import sip
from lab.changes import Changes
from lab.dialog import ALLOW, SDP, CallEndedError, Dialog, Ended, OutgoingCall
from lab.sip_socket import GIVE_UP, Address, SipSocket

_CANCELLED = (487, b"Request Terminated")


@dataclass(frozen=True, slots=True)
class Answer:
    """Ring ``after`` seconds, answer, talk ``talk`` seconds (``None``: until the other side hangs up)."""

    after: float = 0.0
    talk: float | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse with this status, after ringing ``after`` seconds when that is more than 0."""

    status: int
    reason: bytes = b"Refused"
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring and never answer."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing at all, as if nobody were there."""


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the caller on to this number (302 Moved Temporarily)."""

    to: str


Behaviour = Answer | Reject | Ring | Silence | Forward


class InTurn:
    """One behaviour after another, a call each; the last one stays."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._left = list(behaviours)

    def next(self) -> Behaviour:
        """What the next call meets."""
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


BUSY = Reject(486, b"Busy Here")
DECLINED = Reject(603, b"Decline")
NO_ANSWER = Ring()
NOT_FOUND = Reject(404, b"Not Found")
SILENCE = Silence()
UNREACHABLE = Reject(480, b"Temporarily Unavailable")
UNAVAILABLE = Reject(503, b"Service Unavailable")


class IncomingCall(Dialog):
    """A call to the phone; ``invite`` is the request with its headers and raw bytes."""

    def __init__(self, phone: Phone, invite: sip.Message) -> None:
        self.tag = sip.token()
        local = invite.header("To") + b";tag=" + self.tag
        target = sip.uri_of(invite.header("Contact"))
        super().__init__(phone, invite.header("Call-ID"), local, invite.header("From"), target)
        self.invite = invite
        self.is_acknowledged = False
        self.messages.append(invite)

    @property
    def user(self) -> str:
        """The number that was called."""
        return self.invite.user

    @property
    def caller(self) -> str:
        """User part of the From header: the number shown."""
        return sip.user_of(self.invite.header("From"))

    async def follow(self, behaviour: Behaviour) -> None:
        """Does what ``behaviour`` says."""
        match behaviour:
            case Answer(after, talk):
                await self._ring(after)
                await self.pick_up()
                if talk is not None and not await self._over_within(talk):
                    await self.hangup()
            case Reject(status, reason, after):
                if after > 0:
                    await self._ring(after)
                self.refuse(status, reason)
            case Forward(to):
                self.refuse(302, b"Moved Temporarily", b"<sip:%s@%s:%d>" % (to.encode(), *_bytes(self.phone.peer)))
            case Ring():
                await self._ring(0)
            case Silence():
                pass

    async def pick_up(self) -> None:
        """Answers, unless the caller has given up."""
        if self.end is None:
            await self.media.open()
            self.media.follow(self.invite.body)
            self.phone.answer(self.invite, sip.OK, (ALLOW, *SDP), self.media.offer(), self.tag)
            self.note_answered()

    async def hangup(self) -> Ended:
        """BYE, with its answer awaited; not before the ACK has come, or can come no more (RFC 3261, 15)."""
        with suppress(CallEndedError, TimeoutError):
            await self._until("an ACK", lambda: self.is_acknowledged, GIVE_UP)
        return await super().hangup() if self.end is None else self.end

    def refuse(self, status: int, reason: bytes, contact: bytes = b"") -> None:
        """Ends an unanswered call; ``contact`` is where a 302 sends it."""
        if self.end is None:
            self.phone.answer(self.invite, (status, reason), tag=self.tag, contact=contact)
            self.finish(Ended(status, reason, by_us=True))

    def take(self, request: sip.Message) -> None:
        """A CANCEL ends the INVITE too; everything else is as on the caller's side."""
        super().take(request)
        if request.method == b"ACK":
            self.is_acknowledged = True
            self._changes.tell()
        if request.method == b"CANCEL" and not self.is_answered and self.end is None:
            self.phone.answer(self.invite, _CANCELLED, tag=self.tag)
            self.finish(Ended(*_CANCELLED, by_us=False, reason_header=request.header("Reason")))

    async def _ring(self, seconds: float) -> None:
        self.phone.answer(self.invite, sip.RINGING, (ALLOW,), tag=self.tag)
        self.note_ringing()
        await self._over_within(seconds)

    async def _over_within(self, seconds: float) -> bool:
        if seconds > 0:
            try:
                await self.ended(seconds)
            except TimeoutError:
                return False
        return self.end is not None


class Phone(SipSocket):
    """``async with Phone(pbx.trunk_address, pbx.sip_address) as provider: …``

    ``behaviours`` maps called users to what happens, ``default`` is for all others. ``calls`` holds every call that
    came, in order; ``others`` every request that belonged to no call (OPTIONS, …).
    """

    def __init__(self, address: Address, peer: Address, default: Behaviour = UNREACHABLE) -> None:
        super().__init__(address, peer)
        self.default = default
        self.behaviours: dict[str, Behaviour | InTurn] = {}
        self.calls: list[IncomingCall] = []
        self.others: list[sip.Message] = []
        self._dialogs: dict[bytes, Dialog] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changes = Changes()

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for dialog in self._dialogs.values():
            dialog.media.close()
        await super().__aexit__()

    async def call(
        self,
        to: str | bytes,
        from_user: str | bytes = b"anonymous",
        display_name: str | bytes = b"",
        *,
        headers: sip.Headers = (),
        uri: bytes | None = None,
        from_value: bytes | None = None,
    ) -> OutgoingCall:
        """Calls ``to``. All goes out unescaped; ``uri`` replaces the request URI, ``from_value`` the From header."""
        target = uri if uri is not None else b"sip:%s@%s" % (sip.as_bytes(to), self._host(self.peer))
        name = b'"%s" ' % sip.as_bytes(display_name) if display_name else b""
        value = (
            from_value
            if from_value is not None
            else name
            + b"<sip:%s@%s>"
            % (
                sip.as_bytes(from_user),
                self._host(self.address),
            )
        )
        call = OutgoingCall(self, sip.token(), value + b";tag=" + sip.token(), b"<" + target + b">", target)
        self._dialogs[call.call_id] = call
        await call.media.open()
        call.start(headers)
        return call

    async def called(self, user: str | None = None, number: int = 1, deadline: float = 5.0) -> IncomingCall:
        """The ``number``-th call to ``user`` (or to anybody) since the phone was switched on, awaited if need be."""

        def look() -> IncomingCall | None:
            matching = [call for call in self.calls if user in (None, call.user)]
            return matching[number - 1] if len(matching) >= number else None

        return await self._changes.until(
            look, deadline, lambda: f"call {number} to {user}, came: {[call.user for call in self.calls]}"
        )

    def on_request(self, request: sip.Message) -> None:
        """Opens a dialog for a new INVITE, hands everything else to its own."""
        dialog = self._dialogs.get(request.header("Call-ID"))
        if dialog is not None:
            dialog.messages.append(request)
            dialog.take(request)
        elif request.method == b"INVITE":
            self._ring(request)
        else:
            self.others.append(request)
            if request.method != b"ACK":
                self.answer(request, sip.OK if request.method == b"OPTIONS" else (481, b"Call Does Not Exist"))

    def _ring(self, invite: sip.Message) -> None:
        call = IncomingCall(self, invite)
        self._dialogs[call.call_id] = call
        self.calls.append(call)
        self._changes.tell()
        behaviour = self.behaviours.get(call.user, self.default)
        chosen = behaviour.next() if isinstance(behaviour, InTurn) else behaviour
        task = asyncio.get_running_loop().create_task(call.follow(chosen))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _host(address: Address) -> bytes:
        return f"{address[0]}:{address[1]}".encode()


def _bytes(address: Address) -> tuple[bytes, int]:
    return address[0].encode(), address[1]
