"""The same recordings in every kind of place: a folder, a real sshd, a real ftpd, an S3 server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from lab.ftpd import PASSWORD, USER, running_ftpd
from lab.sshd import Sshd, running_sshd
from waybell.recordings.library import Library

ID = "20261122-c0f6927670789d733af7"
OTHER_ID = "20261122-00000000000000000000"
SOUND = b"RIFF" + bytes(range(256)) * 2000

OpenPlace = Callable[..., Awaitable["Somewhere"]]


@dataclass
class Somewhere:
    """A place with the recording ``ID`` in it."""

    url: str
    options: tuple[str, ...] = ()
    sshd: Sshd | None = None
    stop: list[Callable[[], None]] = field(default_factory=list)

    def library(self, seconds: float = 10.0, at_once: int = 8) -> Library:
        return Library(self.url, self.options, seconds=seconds, at_once=at_once)


def fill(folder: Path, sound: bytes = SOUND) -> Path:
    file = folder / "2026" / "11" / "22" / f"{ID}.wav"
    file.parent.mkdir(parents=True)
    file.write_bytes(sound)
    return file


@pytest.fixture
async def places(tmp_path: Path) -> AsyncIterator[OpenPlace]:
    """``place = await places("sftp")``."""
    async with AsyncExitStack() as stack:

        async def make(kind: str, sound: bytes = SOUND) -> Somewhere:
            folder = tmp_path / "monitor"
            fill(folder, sound)
            if kind == "file":
                return Somewhere(f"file://{folder}")
            if kind == "sftp":
                (tmp_path / "ssh").mkdir()
                sshd = await stack.enter_async_context(running_sshd(tmp_path / "ssh"))
                options = (f"client_keys={sshd.key}", f"known_hosts={sshd.known_hosts}")
                return Somewhere(f"sftp://{sshd.user}@127.0.0.1:{sshd.port}{folder}", options, sshd)
            return await ftp_place(folder, stack) if kind == "ftp" else s3_place(sound, stack)

        yield make


async def ftp_place(folder: Path, stack: AsyncExitStack) -> Somewhere:
    port = await stack.enter_async_context(running_ftpd(folder))
    return Somewhere(f"ftp://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/")


def s3_place(sound: bytes, stack: AsyncExitStack) -> Somewhere:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    stack.callback(server.stop)
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    named = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=endpoint, **named)
    client.create_bucket(Bucket="calls")
    client.put_object(Bucket="calls", Key=f"monitor/2026/11/22/{ID}.wav", Body=sound)
    client.close()
    return Somewhere("s3://calls/monitor", ("key=key", "secret=secret", f"endpoint_url={endpoint}"))
