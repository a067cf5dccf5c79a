"""A real Asterisk of one's own: directories, ports and configuration that no other instance shares.

It runs in a chroot of the cached root file system (``/proc`` and ``/dev`` are mounted in a mount namespace that ends
with it, where one can be had), or, where ``$WAYBELL_ASTERISK`` names an asterisk program, from the machine itself.
Starting it needs root; it does not run as root itself, and it dies with the thread that started it.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.asterisk_home import Address, OwnConfiguration, make_home
from lab.pbx_config import PROJECT
from lab.rootfs import rootfs_path

START_SECONDS = 20.0
STOP_SECONDS = 5.0

_ENTER_ROOTFS = PROJECT / "lab" / "enter_rootfs.sh"
_NOT_ENTERED = re.compile(r"^(enter_rootfs|unshare|mount|chroot|setpriv): ", re.MULTILINE)
_HOW_TO_ENTER = (
    "; run it as root of the machine itself, in Docker, or with a chroot bind-mounted on itself (mount --bind)"
)


class AsteriskFailedError(Exception):
    """Asterisk did not start, ended by itself or refused a command; the text holds the end of its log."""


class Asterisk:
    """``async with Asterisk() as pbx: …``; ready for calls inside the block.

    ``extensions`` are added to the ones in ``pjsip.conf``; ``dialplan_globals`` go into ``[globals]``; ``extra_files``
    (name → content) are added to the configuration or replace its files; ``settings`` changes values of
    :class:`~lab.pbx_config.PbxSettings` by name. The root file system is made first where it is missing.
    """

    def __init__(
        self,
        rootfs: Path | None = None,
        *,
        extensions: Iterable[str] = (),
        dialplan_globals: Mapping[str, str] | None = None,
        extra_files: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._program = os.environ.get("WAYBELL_ASTERISK", "")
        self._rootfs = Path("/") if self._program else (rootfs or rootfs_path()).resolve()
        self._own = OwnConfiguration(
            tuple(extensions), dict(dialplan_globals or {}), dict(extra_files or {}), dict(settings or {})
        )
        self._stack = AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None
        self._owner: tuple[int, int] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Returns when Asterisk says that it is fully booted. Raises :class:`AsteriskFailedError`."""
        async with AsyncExitStack() as stack:
            home = stack.enter_context(make_home(self._rootfs, self._own))
            self.directory, self.settings = home.directory, home.settings
            self._owner = home.owner
            stack.push_async_callback(self._end_process)
            await self._boot()
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Ends this instance and removes its directory; harmless when it has ended already."""
        await self._stack.aclose()

    async def start_again(self) -> None:
        """After :meth:`kill9`: the same instance, with its directory, logs and ports."""
        await self._boot()

    async def kill9(self) -> None:
        """The power cut: SIGKILL. The directory, with the logs, stays until :meth:`stop`."""
        process = self._running()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def rx(self, command: str, deadline: float = 10.0) -> str:
        """What ``asterisk -rx`` prints for ``command``, asked over the same control socket."""
        async with asyncio.timeout(deadline):
            reader, writer = await asyncio.open_unix_connection(self.directory / "run" / "asterisk.ctl")
            try:
                await reader.readline()
                writer.write(b"cli quit after " + command.encode() + b"\0")
                output = await reader.read()
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
        return output.replace(b"\0", b"").decode(errors="replace")

    @property
    def pid(self) -> int:
        """The asterisk process itself, not a wrapper."""
        return self._running().pid

    @property
    def sip_address(self) -> Address:
        """Where Asterisk listens for SIP, from the trunk and the phones alike."""
        return self.settings.sip_host, int(self.settings.sip_port)

    @property
    def trunk_address(self) -> Address:
        """Where the trunk's peer must listen and call from; nothing else distinguishes it."""
        return self.settings.trunk_host, int(self.settings.trunk_port)

    @property
    def phones_address(self) -> Address:
        """Where all extensions' phones must listen."""
        return self.settings.phones_host, int(self.settings.phones_port)

    @property
    def ari_url(self) -> str:
        """Address of ARI. Users ``waybell`` and ``waybell-watch`` (read only), password ``settings.ari_password``."""
        return f"http://127.0.0.1:{self.settings.http_port}"

    @property
    def cel_path(self) -> Path:
        """The event log, as seen from outside the chroot."""
        return self.directory / "log" / "cel-custom" / "waybell.csv"

    @property
    def cdr_path(self) -> Path:
        """The classic call records, as seen from outside."""
        return self.directory / "log" / "cdr-csv" / "Master.csv"

    @property
    def log_path(self) -> Path:
        """Notices, warnings and errors."""
        return self.directory / "log" / "messages.log"

    @property
    def sounds_dir(self) -> Path:
        """Holds ``en`` and ``ru``; put ``waybell/<prompt>.wav`` under each of them."""
        return self.directory / "data" / "sounds"

    def inside(self, path: Path) -> str:
        """``path`` as Asterisk itself sees it."""
        return f"/{path.relative_to(self._rootfs)}"

    def cpu_seconds(self) -> float:
        """User and system time used since the start."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """Resident memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def log_tail(self, lines: int = 40) -> str:
        """The end of the log and of what was printed."""
        texts = [path.read_text(errors="replace") for path in (self.log_path, self._console) if path.exists()]
        return "\n".join(line for text in texts for line in text.splitlines()[-lines:])

    @property
    def _console(self) -> Path:
        return self.directory / "console.log"

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise AsteriskFailedError("Asterisk was not started; use `async with Asterisk()`")
        return self._process

    async def _boot(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.setblocking(False)
            ready.bind(f"\0{self.directory.name}")
            self._process = await self._spawn(self._owner)
            await self._wait_until_ready(ready)

    async def _spawn(self, owner: tuple[int, int] | None) -> asyncio.subprocess.Process:
        program = [self._program or "asterisk", "-f", "-C", f"{self.settings.etc}/asterisk.conf"]
        # Not asterisk's own -U: changing the user there would undo the parent-death signal.
        user = ["--reuid", str(owner[0]), "--regid", str(owner[1]), "--clear-groups"] if owner else []
        command = ["setpriv", *user, "--pdeathsig", "KILL", *program]
        if not self._program:
            command = ["sh", str(_ENTER_ROOTFS), str(self._rootfs), *command]
        environment = os.environ | {"NOTIFY_SOCKET": f"@{self.directory.name}", "HOME": self.settings.state}
        with self._console.open("wb") as console:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=environment,
                start_new_session=True,
            )

    async def _wait_until_ready(self, ready: socket.socket) -> None:
        """Asterisk tells systemd's notification socket when it is fully booted; we listen there."""
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(_ready_message(ready)), loop.create_task(self._running().wait())]
        done, _ = await asyncio.wait(tasks, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        if tasks[0] not in done:
            what = "ended" if done else f"was not ready after {START_SECONDS:g} s"
            log = self.log_tail()
            todo = _HOW_TO_ENTER if _NOT_ENTERED.search(log) else ""
            raise AsteriskFailedError(f"Asterisk in {self._rootfs} {what}{todo}; its log ends with:\n{log}")

    async def _end_process(self) -> None:
        if self._process is None:
            return
        process = self._process
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.returncode is None:
                process.send_signal(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
                    return


async def _ready_message(ready: socket.socket) -> None:
    while b"READY=1" not in await asyncio.get_running_loop().sock_recv(ready, 4096):
        pass
