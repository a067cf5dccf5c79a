"""A real FTP server on loopback: Debian's pyftpdlib in a process of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lab.debian import unpacked
from lab.waybell_process import free_port

USER, PASSWORD = "waybell", "s3cret:/word"
_PACKAGE = "python3-pyftpdlib"
_SECONDS = 20.0


@asynccontextmanager
async def running_ftpd(folder: Path) -> AsyncIterator[int]:
    """One that serves ``folder``, to be read, to :data:`USER`; gives its port."""
    packages = await unpacked(_PACKAGE) / "usr" / "lib" / "python3" / "dist-packages"
    port = free_port()
    # Debian's own Python: the package stands on a module that later ones lack.
    python = shutil.which("python3", path="/usr/bin") or sys.executable
    process = await asyncio.create_subprocess_exec(
        *(python, "-W", "ignore", "-m", "pyftpdlib", "-i", "127.0.0.1", "-p", str(port), "-d", str(folder)),
        *("-u", USER, "-P", PASSWORD),
        env={"PYTHONPATH": str(packages), "PATH": os.environ.get("PATH", "")},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await _listening(port)
        yield port
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)  # it tells nobody
                continue
            writer.close()
            return
