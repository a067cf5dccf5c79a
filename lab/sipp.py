"""Load from SIPp: calls at a fixed rate, whatever becomes of them, and phones that answer them all.

For load only: what exactly is sent and came is for :mod:`lab.phone` to say. Needs SIPp (Debian's ``sip-tester``).
"""

from __future__ import annotations

import asyncio
import csv
import resource
import socket
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab.sip_socket import Address

SCENARIOS = Path(__file__).parent / "scenarios"
# SIPp's own bound on calls at once, out of the way of the rate; it wants a file for each.
_NO_LIMIT = str(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)
_ANSWER_MS = "20000"
_KEEP_ALIVE = b"\r\n\r\n"


class SippFailedError(Exception):
    """SIPp did not run to its end; the text holds what it printed."""


@dataclass(frozen=True, slots=True)
class Load:
    """``calls`` calls at ``rate`` a second, each held ``hold_ms``; ``callers`` are (calling, dialled), used in turn."""

    callers: Iterable[tuple[str, str]]
    calls: int
    rate: float
    hold_ms: int = 1000


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What became of a :class:`Load`. ``ring_ms`` are the times from INVITE to 180, ``answer_ms`` from 180 to 200, per
    call that got so far; SIPp reads its clock in steps of a few milliseconds."""

    created: int
    successful: int
    failed: int
    retransmissions: int
    ring_ms: tuple[float, ...]
    answer_ms: tuple[float, ...]
    errors: str

    def ring_percentile(self, percent: float) -> float:
        """Nearest-rank percentile of ``ring_ms``. Raises ``ValueError`` when no call rang."""
        ordered = sorted(self.ring_ms)
        if not ordered:
            raise ValueError(f"no call rang; SIPp said: {self.errors[:500]}")
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


async def call_load(load: Load, peer: Address, local: Address) -> LoadResult:
    """Places the calls from ``local`` (port 0: any) and waits for their end. Raises :class:`SippFailedError`."""
    with tempfile.TemporaryDirectory(prefix="waybell-sipp-") as name:
        folder = Path(name)
        lines = (f"{caller};{dialled}\n" for caller, dialled in load.callers)
        (folder / "callers.csv").write_text("SEQUENTIAL\n" + "".join(lines), encoding="utf-8")
        seconds = load.calls / load.rate + (load.hold_ms + 2 * int(_ANSWER_MS)) / 1000
        process = await _sipp(folder, "caller", local, [
            f"{peer[0]}:{peer[1]}", "-inf", "callers.csv", "-m", str(load.calls), "-r", f"{load.rate:g}",
            "-l", _NO_LIMIT, "-d", str(load.hold_ms), "-recv_timeout", _ANSWER_MS,
            "-trace_stat", "-stf", "stat.csv", "-fd", "1", "-trace_rtt", "-rtt_freq", "1",
        ])  # fmt: skip
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        finally:
            await _end(process)
        return _read_result(folder)


@asynccontextmanager
async def answering(local: Address, ring_ms: int = 0) -> AsyncIterator[None]:
    """Phones behind ``local`` that answer every call after ``ring_ms`` while the block runs."""
    with tempfile.TemporaryDirectory(prefix="waybell-sipp-") as name:
        process = await _sipp(Path(name), "callee", local, ["-d", str(ring_ms), "-l", _NO_LIMIT])
        try:
            await _until_listening(process, local, Path(name))
            yield
        finally:
            await _end(process)


async def _sipp(folder: Path, scenario: str, local: Address, options: list[str]) -> asyncio.subprocess.Process:
    port = ["-p", str(local[1])] if local[1] else []
    common = ["-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", local[0], *port, "-nostdin", "-timer_resol", "1"]
    errors = ["-trace_err", "-error_file", "errors.log"]
    with (folder / "screen.txt").open("wb") as screen:
        return await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "sipp", *common, *errors, *options,
            cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=screen, stderr=screen, start_new_session=True,
        )  # fmt: skip


async def _until_listening(process: asyncio.subprocess.Process, local: Address, folder: Path) -> None:
    """SIPp tells nobody when it listens. Until then the kernel refuses what is sent to its port, at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(local)
        while process.returncode is None:
            try:
                for _ in range(2):
                    probe.send(_KEEP_ALIVE)
                return
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
    raise SippFailedError(f"SIPp ended at once: {_text(folder / 'screen.txt')[-2000:]}")


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _read_result(folder: Path) -> LoadResult:
    errors = _text(folder / "errors.log")
    try:
        with (folder / "stat.csv").open(newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
    except (OSError, IndexError):
        raise SippFailedError(f"SIPp left no statistics: {errors}{_text(folder / 'screen.txt')[-2000:]}") from None
    times = list(_response_times(folder))
    return LoadResult(
        created=int(last["TotalCallCreated"]),
        successful=int(last["SuccessfulCall(C)"]),
        failed=int(last["FailedCall(C)"]),
        retransmissions=int(last["Retransmissions(C)"]),
        ring_ms=tuple(ms for name, ms in times if name == "ring"),
        answer_ms=tuple(ms for name, ms in times if name == "answer"),
        errors=errors,
    )


def _response_times(folder: Path) -> Iterator[tuple[str, float]]:
    for path in folder.glob("*_rtt.csv"):
        for line in _text(path).splitlines()[1:]:
            fields = line.split(";")
            if len(fields) >= 3:
                yield fields[2].strip(), float(fields[1])


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
