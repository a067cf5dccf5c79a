"""The AMI door over TLS."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ami_app.limits import Limits
from ami_app.tls import server_context
from tests.loopback.ami.client import Served, serving
from tests.unit.ami.company import ANSWERED, LOGIN, LOGOFF, ORIGINATE

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1's and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "waybell")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@contextlib.asynccontextmanager
async def talking(server: Served, certificate: Path) -> AsyncIterator[Streams]:
    """A client that checks the certificate."""
    context = ssl.create_default_context(cafile=certificate)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_the_manuals_messages_place_the_call_over_tls(certificate: tuple[Path, Path]) -> None:
    async with serving(tls=server_context(*certificate)) as server:
        async with talking(server, certificate[0]) as (reader, writer):
            writer.write(LOGIN + ORIGINATE + LOGOFF)
            assert await reader.read() == ANSWERED
        assert len(server.callbacks.calls) == 1
        assert server.lines.lines == []


async def test_the_manuals_messages_one_by_one_place_the_call_over_tls(certificate: tuple[Path, Path]) -> None:
    tls = server_context(*certificate)
    async with serving(tls=tls) as server, talking(server, certificate[0]) as (reader, writer):
        for byte in LOGIN + ORIGINATE + LOGOFF:
            writer.write(bytes([byte]))
            await writer.drain()
        assert await reader.read() == ANSWERED


async def test_a_client_that_sends_and_leaves_has_its_call_placed_over_tls(certificate: tuple[Path, Path]) -> None:
    async with serving(tls=server_context(*certificate)) as server:
        async with talking(server, certificate[0]) as (_, writer):
            writer.write(LOGIN + ORIGINATE)
        await server.callbacks.placed.wait()


async def test_nothing_is_answered_in_the_clear_where_tls_is_set_up(certificate: tuple[Path, Path]) -> None:
    async with serving(tls=server_context(*certificate)) as server:
        client = await server.connect()
        await client.send(LOGIN + ORIGINATE)
        assert b"Response" not in await client.rest()
        assert server.callbacks.requests == 0
        assert (server.counters.protocol_errors, len(server.lines.lines)) == (1, 1)


async def test_a_peer_that_shakes_no_hands_is_closed(certificate: tuple[Path, Path]) -> None:
    async with serving(tls=server_context(*certificate), limits=Limits(login_seconds=0.1)) as server:
        client = await server.connect()
        assert await client.rest() == b""
        await asyncio.gather(*server._sessions.values())
        assert len(server.lines.lines) == 1


async def test_peers_that_shake_no_hands_lock_nobody_out(certificate: tuple[Path, Path]) -> None:
    limits = Limits(max_connections=10, login_seconds=60)
    async with serving(tls=server_context(*certificate), limits=limits) as server:
        for _ in range(100):
            await server.connect()
        async with talking(server, certificate[0]) as (reader, writer):
            writer.write(LOGIN + ORIGINATE + LOGOFF)
            assert await reader.read() == ANSWERED
        assert server.counters.evicted >= 90


async def test_stopping_closes_tls_peers(certificate: tuple[Path, Path]) -> None:
    tls = server_context(*certificate)
    async with serving(tls=tls) as server, talking(server, certificate[0]) as (reader, _):
        await reader.readline()
        await server.stop()
        assert await reader.read() == b""


def test_files_that_are_no_certificate_and_key_are_refused_by_setting(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(ValueError, match=r"ami\.certificate: .* cannot be read: No such file"):
        server_context(tmp_path / "none", certificate[1])
    with pytest.raises(ValueError, match=r"ami\.private_key: .* cannot be read: No such file"):
        server_context(certificate[0], tmp_path / "none")
    for pair in ((broken, certificate[1]), (certificate[0], broken), (certificate[1], certificate[0])):
        with pytest.raises(ValueError, match=r"ami\.certificate, ami\.private_key: .* no PEM certificate"):
            server_context(*pair)
