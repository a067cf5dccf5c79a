"""Who may come in, and who may send a call elsewhere: strangers, phones with a password, and 302 and REFER.

Calls that cost money are allowed here, as an admin would in ``waybell_custom.conf``: nobody is to make one who may not.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lab import sip
from lab.asterisk import Asterisk
from lab.dialog import Dialog, OutgoingCall
from lab.phone import SILENCE, Answer, Phone
from lab.stack import Stack
from tests.pbx.faults.callers import ANNA, BORIS, OFFICE
from tests.pbx.faults.company import company
from waybell.people.demo import COMPANY_NUMBER

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

PREMIUM = "88091234567"
TIMUR = "79020000013"
PASSWORD = "correct horse"
CUSTOM = {
    "pjsip_custom.conf": f"""
[300](phone)
aors = 300
auth = 300
[300]
type = aor
[300]
type = auth
auth_type = userpass
username = 300
password = {PASSWORD}

[provider]
type = auth
auth_type = userpass
username = company
password = {PASSWORD}
[trunk](+)
outbound_auth = provider
""",
    "waybell_custom.conf": "[waybell-outgoing]\nexten => _8X!,1,Dial(PJSIP/${EXTEN}@trunk)\n",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with company(tmp_path_factory.mktemp("security"), pbx=Asterisk(extra_files=CUSTOM)) as stack:
        yield stack


@pytest.fixture
def stack(running: Stack) -> Stack:
    """Whoever is rung answers."""
    for phone in (running.provider, running.office):
        phone.calls.clear()
        phone.behaviours = {}
        phone.default = Answer(talk=0.2)
    return running


def rung(stack: Stack) -> list[str]:
    """Every INVITE that reached a phone, by the number rung, sorted."""
    return sorted(call.user for call in (*stack.provider.calls, *stack.office.calls))


def authorization(challenge: bytes, user: str, uri: str) -> sip.Headers:
    """What a phone with the password answers to ``challenge`` (RFC 2617, quality of protection ``auth``)."""
    told = dict(re.findall(r'(\w+)="([^"]*)"', challenge.decode()))
    who = _md5(f"{user}:{told['realm']}:{PASSWORD}")
    proof = _md5(f"{who}:{told['nonce']}:00000001:lab:auth:{_md5(f'INVITE:{uri}')}")
    said = told | {"username": user, "uri": uri, "cnonce": "lab", "response": proof}
    del said["qop"]
    value = ", ".join(f'{name}="{text}"' for name, text in said.items())
    return ((b"Authorization", f"Digest {value}, algorithm=MD5, qop=auth, nc=00000001".encode()),)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("pretended", ["100", "300", "trunk"])
async def test_a_stranger_is_let_in_under_nobodys_name(stack: Stack, pretended: str) -> None:
    async with Phone(("127.0.0.9", 0), stack.pbx.sip_address) as stranger:
        for number in (PREMIUM, COMPANY_NUMBER):
            refused = await (await stranger.call(number, pretended)).ended()
            assert refused.status in (401, 403)
    assert rung(stack) == []


async def test_a_phone_calls_from_the_phones_address(stack: Stack) -> None:
    call = await stack.office.call(PREMIUM, "100")
    assert (await call.ended()).status == 200
    assert rung(stack) == [PREMIUM]


async def test_a_phone_with_a_password_is_let_in_with_it_only(stack: Stack) -> None:
    call = await stack.office.call(PREMIUM, "300")
    assert (await call.ended()).status == 401
    assert rung(stack) == []
    challenge = call.messages[-1].header("WWW-Authenticate")
    proof = authorization(challenge, "300", call.invite.uri.decode())
    call = await stack.office.call(PREMIUM, "300", headers=proof)
    assert (await call.ended()).status == 200
    assert rung(stack) == [PREMIUM]


async def test_the_trunk_shows_its_password_to_a_provider_who_asks(stack: Stack) -> None:
    stack.provider.default = SILENCE
    call = await stack.office.call(PREMIUM, "100")
    first = await stack.provider.called(PREMIUM)
    await first.media.open()
    challenge = b'Digest realm="provider", nonce="0123456789", algorithm=MD5, qop="auth"'
    stack.provider.answer(first.invite, (401, b"Unauthorized"), ((b"WWW-Authenticate", challenge),), tag=first.tag)
    await call.answered()
    again = [message for message in first.messages if message.method == b"INVITE"][-1]
    assert b'username="company"' in again.header("Authorization")
    await call.hangup()


@pytest.mark.parametrize("who", ["the recipient", "the courier"])
async def test_nobody_outside_sends_a_call_elsewhere_with_refer(stack: Stack, who: str) -> None:
    stack.provider.default = Answer()
    call, courier = await talking(stack)
    sender: Dialog = call if who == "the recipient" else courier
    target = f"<sip:{PREMIUM}@{stack.pbx.settings.sip_host}>".encode()
    answer = await sender.request(b"REFER", ((b"Refer-To", target), (b"Referred-By", target)))
    assert answer is not None
    assert answer.status == 603
    await call.hangup()
    await courier.ended()
    assert rung(stack) == [BORIS]


async def talking(stack: Stack) -> tuple[OutgoingCall, Dialog]:
    call = await stack.provider.call(COMPANY_NUMBER, ANNA)
    courier = await stack.provider.called(BORIS)
    await courier.answered()
    await call.answered()
    return call, courier


@pytest.mark.parametrize(
    ("caller", "mover", "next_step"),
    [(ANNA, BORIS, ["100", "199"]), (TIMUR, "101", [OFFICE])],
    ids=["a courier's phone", "an extension"],
)
@pytest.mark.parametrize("target", [PREMIUM, COMPANY_NUMBER, "100"])
async def test_a_phone_that_moves_a_call_on_makes_no_call_and_counts_as_not_reached(
    stack: Stack, caller: str, mover: str, next_step: list[str], target: str
) -> None:
    side = stack.office if len(mover) == 3 else stack.provider
    side.behaviours[mover] = SILENCE
    calling = asyncio.create_task(whole_call(stack, caller))
    arrived = await side.called(mover)
    moved = (b"Contact", f"<sip:{target}@{stack.pbx.settings.sip_host}:{stack.pbx.settings.sip_port}>".encode())
    side.send(sip.response(arrived.invite, 302, b"Moved Temporarily", arrived.tag, (moved,)))
    await calling
    assert rung(stack) == sorted([mover, *next_step])


async def whole_call(stack: Stack, caller: str) -> None:
    call = await stack.provider.call(COMPANY_NUMBER, caller)
    assert (await call.ended(10)).status == 200
