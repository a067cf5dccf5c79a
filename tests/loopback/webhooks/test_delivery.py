"""Deliveries to a real web server: signed, in order, tried again, given up; and never where none may be sent."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpcore2
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from lab.receiver import Received, Receiver, Reply
from waybell.webhook_settings import EventName, Webhook
from waybell.webhooks.delivery import Deliverer, Pace
from waybell.webhooks.events import Event
from waybell.webhooks.outbox import Outbox
from waybell.webhooks.sending import Sender
from waybell.webhooks.service import utcnow
from waybell.webhooks.signature import is_genuine

SECRET = "a secret that nobody else knows"
QUICK = Pace(first=0.02, longest=0.05, longest_rest=0.05, look=0.02)
AT = 1_795_304_204_854_863


def webhook(url: str, **more: Any) -> Webhook:
    made: dict[str, Any] = {"allow_private": True, **more}
    return Webhook(name="crm", url=url, events=(EventName.CALL_ENDED,), secret=SecretStr(SECRET), **made)


def event(subject: str, number: int = 1) -> Event:
    body = json.dumps(
        {"id": f"{subject}/{number}", "subject": subject, "n": number, "data": {"call": {"parcel": "1<&"}}}
    )
    return Event(f"{subject}/{number}", "call.ended", subject, AT, body)


@asynccontextmanager
async def delivering(
    engine: AsyncEngine, hook: Webhook, pace: Pace = QUICK, lease: str = "me", seconds: float = 5.0
) -> AsyncIterator[Outbox]:
    outbox, stop = Outbox(engine), asyncio.Event()
    async with Sender(hook, pace.at_once, seconds) as sender:
        task = asyncio.create_task(Deliverer("crm", outbox, sender, lease, utcnow, pace).run(stop))
        try:
            yield outbox
        finally:
            stop.set()
            await task


async def until(outbox: Outbox, counts: dict[str, int], deadline: float = 15.0) -> None:
    async with asyncio.timeout(deadline):
        while (await outbox.counts()).get("crm", {}) != counts:  # noqa: ASYNC110 -- a table tells nobody
            await asyncio.sleep(0.01)


async def put(outbox: Outbox, *events: Event) -> None:
    await outbox.put([("crm", one) for one in events], utcnow(), {})


async def test_an_event_is_sent_signed_and_with_its_names(engine: AsyncEngine) -> None:
    async with Receiver() as receiver, delivering(engine, webhook(receiver.url)) as outbox:
        await put(outbox, event("a"))
        await receiver.until(lambda now: now.received)
        (one,) = receiver.received
        await until(outbox, {"delivered": 1})
    assert one.body.decode() == event("a").body
    assert one.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert (one.headers["waybell-event"], one.headers["waybell-event-id"]) == ("call.ended", "a/1")
    signature, now = one.headers["waybell-signature"], int(time.time())
    assert is_genuine(signature, SECRET, one.body, now)
    assert not is_genuine(signature, SECRET + "x", one.body, now)
    assert not is_genuine(signature, SECRET, one.body + b" ", now)
    assert not is_genuine(signature, SECRET, one.body, now + 301)


async def test_events_of_a_call_come_in_order_and_calls_side_by_side_whatever_fails(engine: AsyncEngine) -> None:
    failing: dict[str, int] = defaultdict(int)

    def shaky(request: Received) -> Reply:
        key = request.headers["waybell-event-id"]
        failing[key] += 1
        return Reply(503 if failing[key] <= hash(key) % 3 else 200, delay=0.01)

    calls, each = 12, 5
    async with Receiver(shaky) as receiver, delivering(engine, webhook(receiver.url)) as outbox:
        for number in range(1, each + 1):
            await put(outbox, *(event(f"call{call}", number) for call in range(calls)))
        await until(outbox, {"delivered": calls * each})
        taken: dict[str, list[int]] = defaultdict(list)
        for one in receiver.received:
            numbers = taken[one.event["subject"]]
            if one.event["n"] not in numbers:
                numbers.append(one.event["n"])
        assert all(numbers == list(range(1, each + 1)) for numbers in taken.values())
        assert 1 < receiver.most_at_once <= QUICK.at_once


async def test_two_instances_on_one_store_send_each_event_once(engine: AsyncEngine) -> None:
    async with Receiver(lambda _: Reply(delay=0.005)) as receiver, AsyncExitStack() as stack:
        for name in ("one", "two", "three"):
            outbox = await stack.enter_async_context(delivering(engine, webhook(receiver.url), lease=name))
        await put(outbox, *(event(f"call{number % 20}", number) for number in range(60)))
        await until(outbox, {"delivered": 60})
        ids = [one.event["id"] for one in receiver.received]
        assert len(ids) == len(set(ids)) == 60


async def test_a_receiver_that_is_away_gets_everything_when_it_is_back(engine: AsyncEngine) -> None:
    async with Receiver() as receiver:
        await receiver.stop()
        async with delivering(engine, webhook(receiver.url)) as outbox:
            await put(outbox, *(event(f"call{number}") for number in range(20)))
            await asyncio.sleep(0.3)
            assert await outbox.counts() == {"crm": {"waiting": 20}}
            await receiver.start()
            await until(outbox, {"delivered": 20})


async def test_after_three_days_an_event_is_given_up_and_the_next_of_its_call_goes_on(engine: AsyncEngine) -> None:
    pace = Pace(first=0.02, longest=0.05, longest_rest=0.02, look=0.02, give_up=timedelta(seconds=0.3))

    def refuses_the_first(request: Received) -> Reply:
        return Reply(400 if request.event["n"] == 1 else 200)

    async with Receiver(refuses_the_first) as receiver, delivering(engine, webhook(receiver.url), pace) as outbox:
        await put(outbox, event("a", 1), event("a", 2))
        await until(outbox, {"dead": 1, "delivered": 1})
        (dead,) = await outbox.dead()
        assert (dead.event_id, dead.last_status) == ("a/1", 400)
        assert dead.attempts > 2


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(302, (("Location", "/elsewhere"),)), "redirects are not followed"),
        (Reply(500), "the receiver did not take it"),
        (Reply(hang=True), "no answer within"),
        (Reply(204, delay=2.0), "no answer within"),
    ],
)
async def test_what_is_not_taken_is_tried_again(engine: AsyncEngine, reply: Reply, why: str) -> None:
    async with Receiver(lambda _: reply) as receiver, Sender(webhook(receiver.url), 1, 0.3) as sender:
        outcome = await sender.send("a/1", "call.ended", event("a").body)
        assert not outcome.is_delivered
        assert why in outcome.why
        assert all(one.path == "/hook" for one in receiver.received)


async def test_an_answer_without_end_is_not_read_to_its_end(engine: AsyncEngine) -> None:
    endless = Reply(200, body=b"x" * 65536, times=100_000)
    async with Receiver(lambda _: endless) as receiver, Sender(webhook(receiver.url), 1, 5.0) as sender:
        began = time.monotonic()
        assert (await sender.send("a/1", "call.ended", "{}")).is_delivered
        assert time.monotonic() - began < 4


async def test_garbage_instead_of_http_is_a_failure_like_any_other() -> None:
    async def garbage(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with Sender(webhook(url), 1, 2.0) as sender:
            assert (await sender.send("a/1", "call.ended", "{}")).status == 0


INSIDE = [
    *("http://127.0.0.1", "http://localhost", "http://[::1]", "http://0.0.0.0", "http://[::]", "http://10.1.2.3"),
    *(
        "http://192.168.0.1",
        "http://172.16.0.1",
        "http://169.254.169.254",
        "http://[fe80::1]",
        "http://[fd00:ec2::254]",
    ),
    *("http://2130706433", "http://0177.0.0.1", "http://0x7f.1", "http://127.1", "http://[::ffff:127.0.0.1]"),
    *("http://[::ffff:7f00:1]", "http://[64:ff9b::7f00:1]", "http://[2002:7f00:1::]", "http://100.64.0.1"),
    *("http://224.0.0.1", "http://[ff02::1]", "http://255.255.255.255", "http://[::127.0.0.1]", "http://[fec0::1]"),
]


@pytest.mark.parametrize("url", INSIDE)
async def test_nothing_is_sent_to_the_inside(url: str) -> None:
    """Each of them with the port of a server that is there."""
    async with (
        Receiver() as receiver,
        Sender(webhook(f"{url}:{receiver.port}/", allow_private=False), 1, 3.0) as sender,
    ):
        outcome = await sender.send("a/1", "call.ended", "{}")
        assert "private addresses are allowed with" in outcome.why
        assert receiver.connections == 0


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254", "http://[fe80::1]", "http://0.0.0.0", "http://[::ffff:169.254.169.254]"]
)
async def test_link_local_addresses_are_never_allowed(url: str) -> None:
    async with Sender(webhook(f"{url}:1/"), 1, 3.0) as sender:
        assert "link-local and metadata ones never" in (await sender.send("a/1", "call.ended", "{}")).why


Look = Callable[..., Any]


def answers(monkeypatch: pytest.MonkeyPatch, *turns: list[str]) -> list[str]:
    """Has every look-up of a name answer with the next of ``turns``; gives the names that were looked up."""
    asked: list[str] = []
    loop = asyncio.get_running_loop()
    real: Look = loop.getaddrinfo

    async def look(host: Any, port: Any, **more: Any) -> Any:
        if str(host)[:1].isdigit():
            return await real(host, port, **more)
        asked.append(str(host))
        found = turns[min(len(asked), len(turns)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(loop, "getaddrinfo", look)
    return asked


async def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that first leads outside and then inside (DNS rebinding) does not lead inside."""
    connected: list[str] = []

    async def connect(_network: Any, host: str, *_: Any, **__: Any) -> Any:
        connected.append(host)  # nothing of a test goes outside
        raise httpcore2.ConnectError("not from here")

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", connect)
    async with Sender(webhook("http://evil.test/", allow_private=False), 1, 3.0) as sender:
        asked = answers(monkeypatch, ["8.8.8.8", "10.0.0.1", "1.1.1.1"], ["127.0.0.1"])
        assert "not from here" in (await sender.send("a/1", "call.ended", "{}")).why
        assert (asked, connected) == (["evil.test"], ["8.8.8.8", "1.1.1.1"])
        assert "leads to 127.0.0.1" in (await sender.send("a/1", "call.ended", "{}")).why
        assert connected == ["8.8.8.8", "1.1.1.1"]


async def test_of_several_addresses_only_those_that_are_allowed_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Receiver() as receiver, Sender(webhook(f"http://mixed.test:{receiver.port}/"), 1, 3.0) as sender:
        answers(monkeypatch, ["169.254.169.254", "127.0.0.1"])
        assert (await sender.send("a/1", "call.ended", "{}")).is_delivered
        assert [one.headers["host"] for one in receiver.received] == [f"mixed.test:{receiver.port}"]


async def test_tls_asks_for_the_names_certificate_though_the_address_is_pinned(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    certificate, key = make_certificate("good.test")
    pem = tmp_path / "both.pem"
    pem.write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    trusting = ssl.create_default_context(cadata=certificate.decode())
    monkeypatch.setattr("waybell.webhooks.sending._certificates", lambda: trusting)
    async with Receiver(tls=context) as receiver:
        answers(monkeypatch, ["127.0.0.1"])
        for host, good in (("good.test", True), ("other.test", False)):
            async with Sender(webhook(f"https://{host}:{receiver.port}/"), 1, 3.0) as sender:
                outcome = await sender.send("a/1", "call.ended", "{}")
                assert outcome.is_delivered is good, outcome
                assert good or "certificate" in outcome.why.lower()


def make_certificate(name: str) -> tuple[bytes, bytes]:
    """A certificate of its own making, and its key, as PEM."""
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return made.public_bytes(serialization.Encoding.PEM), text


async def test_a_body_of_the_receivers_own_making_is_sent_and_signed(engine: AsyncEngine) -> None:
    async with Receiver() as receiver:
        hook = webhook(
            receiver.url, template='<review order="{data.call.parcel}">{type}</review>', content_type="application/xml"
        )
        async with Sender(hook, 1) as sender:
            assert (await sender.send("a/1", "call.ended", event("a").body)).is_delivered
        (one,) = receiver.received
        assert one.body == b'<review order="1&lt;&amp;"></review>'
        assert one.headers["content-type"] == "application/xml; charset=utf-8"
        assert is_genuine(one.headers["waybell-signature"], SECRET, one.body, int(time.time()))


async def test_what_was_not_finished_at_the_end_is_sent_by_the_next_at_once(engine: AsyncEngine) -> None:
    pace = Pace(look=0.02, last_seconds=0.05)
    async with Receiver(lambda _: Reply(hang=True)) as receiver:
        async with delivering(engine, webhook(receiver.url), pace) as outbox:
            await put(outbox, event("a"))
            async with asyncio.timeout(5):
                while not receiver.at_once:  # noqa: ASYNC110 -- the server tells when it answers
                    await asyncio.sleep(0.01)
        receiver.reply = lambda _: Reply()
        async with delivering(engine, webhook(receiver.url), lease="next"):
            await receiver.until(lambda now: now.received, 3)
