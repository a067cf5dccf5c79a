"""A ``waybell serve`` process of one's own, started as an admin would start it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

Section = Mapping[str, object]
START_SECONDS = 30.0
STOP_SECONDS = 10.0
COMMAND = Path(sys.executable).with_name("waybell")


class WaybellFailedError(Exception):
    """``waybell serve`` ended or did not get ready; the text holds the end of its log."""


def free_port() -> int:
    """A TCP port that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Waybell:
    """``async with Waybell(directory, settings) as waybell: …``; ready inside the block.

    ``settings`` are the sections of ``waybell.toml``, written into ``directory``, where its log goes too.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, Section],
        only: str = "agi,journal",
        webhooks: Sequence[Section] = (),
    ) -> None:
        self.directory = directory
        self.config = directory / "waybell.toml"
        self.log_path = directory / "waybell.log"
        self._only = only
        self._process: asyncio.subprocess.Process | None = None
        directory.mkdir(parents=True, exist_ok=True)
        hooks = "".join("\n" + to_toml({"[webhooks]": hook}) for hook in webhooks)  # [[webhooks]]
        self.config.write_text(to_toml(settings) + hooks, encoding="utf-8")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Returns once it says that it is ready. Raises :class:`WaybellFailedError`."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.setblocking(False)
            ready.bind("")
            address = "@" + os.fsdecode(ready.getsockname()[1:])
            with self.log_path.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    COMMAND,
                    "serve",
                    "--config",
                    self.config,
                    "--only",
                    self._only,
                    cwd=self.directory,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=own_environment() | {"NOTIFY_SOCKET": address},
                )
            await self._wait_until_ready(ready)

    async def stop(self) -> int:
        """SIGTERM, as systemd would; the exit code. SIGKILL when that does not help."""
        process = self._running()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.returncode is None:
                process.send_signal(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    return await process.wait()
        raise WaybellFailedError(f"waybell {process.pid} survived SIGKILL")

    async def kill9(self) -> None:
        """SIGKILL, at once."""
        process = self._running()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running().pid

    def log_tail(self, lines: int = 40) -> str:
        """The end of its log."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    async def command(self, *arguments: str) -> tuple[int, str, str]:
        """Another ``waybell`` command with the same settings: exit code, standard output, standard error."""
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            *arguments,
            "--config",
            self.config,
            cwd=self.directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=own_environment(),
        )
        output, errors = await process.communicate()
        return process.returncode or 0, output.decode(), errors.decode()

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise WaybellFailedError("waybell was not started; use `async with Waybell(…)`")
        return self._process

    async def _wait_until_ready(self, ready: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        said = loop.create_task(loop.sock_recv(ready, 64))
        ended = loop.create_task(self._running().wait())
        done, _ = await asyncio.wait({said, ended}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        said.cancel()
        if said not in done:
            raise WaybellFailedError(f"waybell serve did not get ready; its log ends with:\n{self.log_tail()}")


def own_environment() -> dict[str, str]:
    """The environment without settings of whoever runs this."""
    return {name: value for name, value in os.environ.items() if "__" not in name and name != "WAYBELL_CONFIG"}


def to_toml(settings: Mapping[str, Section]) -> str:
    """``settings`` as TOML: text, numbers, booleans and lists of them."""
    lines: list[str] = []
    for section, keys in settings.items():
        lines += [f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in keys.items()), ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, int | float):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
