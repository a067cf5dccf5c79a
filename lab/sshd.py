"""A real OpenSSH server on loopback, with a key pair of its own for whoever may come in.

Where the machine has none, Debian's package is unpacked into the cache.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab.debian import run, unpacked
from lab.waybell_process import free_port

_PACKAGE = "openssh-server"
_SECONDS = 20.0


class NoSshdError(Exception):
    """There is no OpenSSH server, and none can be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Sshd:
    """It listens on ``port`` for ``user``. ``key`` lets in; ``known_hosts`` holds the server's own key."""

    port: int
    user: str
    key: Path
    known_hosts: Path
    pid: int

    def stop(self) -> None:
        """It and its sessions hang: connections stay, nothing is answered."""
        for pid in (self.pid, *_children(self.pid)):
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """The end of :meth:`stop`."""
        for pid in (self.pid, *_children(self.pid)):
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def running_sshd(directory: Path) -> AsyncIterator[Sshd]:
    """One that serves SFTP to this process's own user. Raises :class:`NoSshdError` and :class:`NoPackageError`."""
    program = await _program()
    for name in ("host", "user"):
        await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name))
    port = free_port()
    known_hosts = directory / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {(directory / 'host.pub').read_text()}")
    (directory / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {directory}/host\nAuthorizedKeysFile {directory}/user.pub\n"
        f"PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\nMaxStartups 100\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        program, "-D", "-e", "-f", str(directory / "sshd_config"), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_SECONDS):
            said = b""
            while b"Server listening" not in said:
                line = await process.stderr.readline()
                if not line:
                    raise NoSshdError(f"{program} ended: {said.decode(errors='replace')}")
                said += line
        drain = asyncio.create_task(_drain(process.stderr))
        yield Sshd(port, getpass.getuser(), directory / "user", known_hosts, process.pid)
        drain.cancel()
    finally:
        for pid in (*_children(process.pid), process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await process.wait()


def _children(pid: int) -> list[int]:
    """All below ``pid``."""
    found: list[int] = []
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return found
    for child in map(int, children):
        found += [child, *_children(child)]
    return found


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


async def _program() -> str:
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return found or str(await unpacked(_PACKAGE) / "usr" / "sbin" / "sshd")
