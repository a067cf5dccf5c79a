"""One call of a laboratory phone, from either side (RFC 3261, 12 to 15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab import sip
from lab.changes import Changes
from lab.rtp import Media

if TYPE_CHECKING:
    from lab.phone import Phone

ALLOW = (b"Allow", b"INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE")
SDP = ((b"Content-Type", b"application/sdp"),)
_DTMF_INFO = ((b"Content-Type", b"application/dtmf-relay"),)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended: ``status`` is the INVITE's final one (200 for a BYE, 408 for silence), ``by_us`` who ended it.

    ``reason_header`` is the Reason header of their BYE or CANCEL, or of their refusal.
    """

    status: int
    reason: bytes
    by_us: bool
    reason_header: bytes = b""


class CallEndedError(Exception):
    """The call ended while something else was awaited; ``ended`` says how."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(f"the call ended with {ended.status} {ended.reason.decode(errors='replace')}")
        self.ended = ended


class Dialog:
    """What both sides of a call share. ``messages`` holds all that came for it, in order."""

    def __init__(self, phone: Phone, call_id: bytes, local: bytes, remote: bytes, target: bytes) -> None:
        self.phone = phone
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.target = target
        self.media = Media(phone.address[0])
        self.messages: list[sip.Message] = []
        self.is_ringing = False
        self.is_answered = False
        self.end: Ended | None = None
        self._cseq = 1
        self._changes = Changes()

    async def ringing(self, deadline: float = 5.0) -> None:
        """Returns at the first 180 or 183. Raises :class:`CallEndedError` or ``TimeoutError``."""
        await self._until("ringing", lambda: self.is_ringing or self.is_answered, deadline)

    async def answered(self, deadline: float = 5.0) -> None:
        """Returns at the answer. Raises :class:`CallEndedError` or ``TimeoutError``."""
        await self._until("an answer", lambda: self.is_answered, deadline)

    async def ended(self, deadline: float = 5.0) -> Ended:
        """How the call ended, once it has."""
        return await self._changes.until(lambda: self.end, deadline, lambda: f"the end, {self._story()}")

    async def told(self, body: bytes, deadline: float = 10.0) -> sip.Message:
        """The first NOTIFY whose body begins so, once it has come. Raises ``TimeoutError``."""

        def look() -> sip.Message | None:
            notes = (message for message in self.messages if message.method == b"NOTIFY" and not message.status)
            return next((note for note in notes if note.body.startswith(body)), None)

        return await self._changes.until(look, deadline, lambda: f"{body!r}, {self._story()}")

    async def hangup(self) -> Ended:
        """BYE, with its answer awaited."""
        self.finish(Ended(*sip.OK, by_us=True))
        await self.request(b"BYE")
        return await self.ended()

    async def send_dtmf(self, keys: str, *, info: bool = False) -> None:
        """Presses ``keys``: RFC 4733 where negotiated (sent while this returns), else, or with ``info``, SIP INFO."""
        if self.media.takes_keys and not info:
            self.media.press(keys)
            return
        for key in keys:
            await self.request(b"INFO", _DTMF_INFO, f"Signal={key}\r\nDuration=160\r\n".encode())

    async def request(self, method: bytes, headers: sip.Headers = (), body: bytes = b"") -> sip.Message | None:
        """Any request inside this dialog; its final answer, or ``None`` when there was none."""
        self._cseq += 1
        message = self.phone.write_request(method, self.target, (*self.heading(method), *headers), body)
        return await self.phone.transact(message)

    def heading(self, method: bytes) -> sip.Headers:
        """The headers that name this dialog."""
        return (
            (b"From", self.local),
            (b"To", self.remote),
            (b"Call-ID", self.call_id),
            (b"CSeq", b"%d %s" % (self._cseq, method)),
        )

    def take(self, request: sip.Message) -> None:
        """Answers a request inside this dialog."""
        if request.method == b"BYE":
            self.phone.answer(request, sip.OK)
            self.finish(Ended(*sip.OK, by_us=False, reason_header=request.header("Reason")))
        elif request.body and request.method in (b"INVITE", b"UPDATE"):
            self.media.follow(request.body)
            self.phone.answer(request, sip.OK, SDP, self.media.offer())
        elif request.method != b"ACK":
            self.phone.answer(request, sip.OK)
            self._changes.tell()

    def finish(self, ended: Ended) -> None:
        """The first end counts."""
        if self.end is None:
            self.end = ended
            self.media.close()
        self._changes.tell()

    def note_ringing(self) -> None:
        """The other side rings."""
        self.is_ringing = True
        self._changes.tell()

    def note_answered(self) -> None:
        """The call is up."""
        self.is_answered = True
        self._changes.tell()

    async def _until(self, what: str, look: object, deadline: float) -> None:
        assert callable(look)
        await self._changes.until(lambda: look() or self.end, deadline, lambda: f"{what}, {self._story()}")
        if not look() and self.end is not None:
            raise CallEndedError(self.end)

    def _story(self) -> str:
        return f"came so far: {[message.start for message in self.messages]}"


class OutgoingCall(Dialog):
    """A call that the phone makes."""

    def start(self, headers: sip.Headers) -> None:
        """Sends the INVITE."""
        message = self.phone.write_request(
            b"INVITE", self.target, (*self.heading(b"INVITE"), ALLOW, *headers, *SDP), self.media.offer()
        )
        self.invite = self.phone.begin(message, self._on_response)

    async def cancel(self) -> Ended:
        """Gives up before the answer; the end is a 487, or a 200 when the answer was quicker."""
        await self.ringing()
        headers = (*self.heading(b"INVITE")[:3], (b"CSeq", b"1 CANCEL"))
        message = self.phone.write_request(b"CANCEL", self.invite.uri, headers, branch=self.invite.branch)
        await self.phone.transact(message)
        return await self.ended()

    def _on_response(self, response: sip.Message | None) -> None:
        if response is None:
            self.finish(Ended(408, b"no response", by_us=True))
            return
        self.messages.append(response)
        if response.status == 100:
            return
        self.remote = response.header("To")
        if response.body and self.end is None:
            self.media.follow(response.body)
        if response.status < 200:
            self.note_ringing()
        elif response.status < 300:
            self._acknowledge_answer(response)
        else:
            self._acknowledge_refusal(response)

    def _acknowledge_answer(self, response: sip.Message) -> None:
        self.target = sip.uri_of(response.header("Contact")) or self.target
        heading = (*self.heading(b"ACK")[:3], (b"CSeq", b"1 ACK"))
        self.phone.send(self.phone.write_request(b"ACK", self.target, heading))
        self.note_answered()

    def _acknowledge_refusal(self, response: sip.Message) -> None:
        heading = (*self.heading(b"ACK")[:3], (b"CSeq", b"1 ACK"))
        self.phone.send(self.phone.write_request(b"ACK", self.invite.uri, heading, branch=self.invite.branch))
        self.finish(Ended(response.status, response.reason, by_us=False, reason_header=response.header("Reason")))
