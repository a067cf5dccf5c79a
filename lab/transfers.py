"""What a phone does to a call that is up: send it on (REFER, RFC 3515), join it with another (Replaces, RFC 3891)."""

from __future__ import annotations

from urllib.parse import quote

from lab import sip
from lab.dialog import Dialog


class TransferRefusedError(Exception):
    """The PBX would not transfer; the text holds its answer."""


async def transfer(call: Dialog, to: str) -> None:
    """A blind transfer: whoever ``call`` is with goes to ``to``. The phone hangs up once it is told that they do."""
    host, port = call.phone.peer
    await _refer(call, f"<sip:{to}@{host}:{port}>")


async def join(call: Dialog, consultation: Dialog) -> None:
    """An attended transfer: whoever ``call`` is with and whoever ``consultation`` is with go on without this phone."""
    host, port = call.phone.peer
    tags = sip.tag_of(consultation.remote).decode(), sip.tag_of(consultation.local).decode()
    replaces = f"{consultation.call_id.decode()};to-tag={tags[0]};from-tag={tags[1]}"
    user = sip.user_of(consultation.remote) or "s"
    await _refer(call, f"<sip:{user}@{host}:{port}?Replaces={quote(replaces)}>")


async def _refer(call: Dialog, refer_to: str) -> None:
    headers = ((b"Refer-To", refer_to.encode()), (b"Referred-By", b"<sip:lab@127.0.0.1>"))
    answer = await call.request(b"REFER", headers)
    if answer is None or answer.status != 202:
        raise TransferRefusedError(f"{refer_to}: {answer.start.decode() if answer else 'no answer'}")
    await call.told(b"SIP/2.0 200")
    if call.end is None:
        await call.hangup()
