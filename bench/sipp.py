"""Load from SIPp: calls at a fixed rate, whatever becomes of them, and the phones that are called.

Needs SIPp (Debian's ``sip-tester``). All variants are measured against the same phones.
"""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.cpu import ended_children_seconds
from bench.traffic import PlannedCall

SCENARIOS = Path(__file__).parent / "scenarios"
# SIPp's -l counts calls that linger after their end: more than any machine holds, so that the rate alone decides.
_NO_LIMIT = "100000"
_REPLY_MS = 8000
_SOCKET_BYTES = "4000000"
_LOG_FIELDS = 7

Address = tuple[str, int]


class SippFailedError(Exception):
    """SIPp did not start or did not run to its end; the text holds what it said."""


@dataclass(frozen=True, slots=True)
class Load:
    """``calls`` at ``rate`` a second, each held ``hold_ms`` after the answer."""

    calls: Sequence[PlannedCall]
    rate: float
    hold_ms: int = 1000


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What became of a :class:`Load`.

    ``ring_ms``: from each INVITE to its first 180, by the times of SIPp's message log, which are exact to the
    microsecond (its response times come in steps of 4 ms). ``late_seconds``: how much longer it all took than the
    rate asks for. ``cpu_seconds``: SIPp's own.
    """

    created: int
    failed: int
    retransmissions: int
    ring_ms: tuple[float, ...]
    late_seconds: float
    cpu_seconds: float
    errors: str


async def call(load: Load, pbx: Address, local_host: str, folder: Path) -> LoadResult:
    """Places the calls and waits for their end; ``folder`` is made and holds SIPp's files. Raises
    :class:`SippFailedError` when SIPp itself fails; calls that fail are in the result."""
    folder.mkdir(parents=True)
    lines = (f"{planned.caller};{planned.dialled}\n" for planned in load.calls)
    (folder / "callers.csv").write_text("SEQUENTIAL\n" + "".join(lines), encoding="utf-8")
    planned_seconds = (len(load.calls) / load.rate) + load.hold_ms / 1000
    began, used = time.monotonic(), ended_children_seconds()
    process = await _sipp(folder, "caller", [
        f"{pbx[0]}:{pbx[1]}", "-i", local_host, "-bind_local", "-inf", "callers.csv", "-m", str(len(load.calls)),
        "-r", f"{load.rate:g}", "-d", str(load.hold_ms), "-recv_timeout", str(_REPLY_MS),
        "-trace_stat", "-stf", "stat.csv", "-fd", "1", "-trace_shortmsg", "-shortmessage_file", "messages.log",
    ])  # fmt: skip
    try:
        async with asyncio.timeout(planned_seconds + 4 * _REPLY_MS / 1000):
            await process.wait()
    except TimeoutError:
        raise SippFailedError(f"SIPp did not end in time: {_said(folder)}") from None
    finally:
        await _end(process)
    return _result(folder, time.monotonic() - began - planned_seconds, ended_children_seconds() - used)


@asynccontextmanager
async def phones(address: Address, folder: Path) -> AsyncIterator[int]:
    """Everybody's phones at ``address``; gives the process id."""
    folder.mkdir(parents=True)
    process = await _sipp(folder, "phones", ["-i", address[0], "-p", str(address[1])])
    try:
        await _until_bound(process, address, folder)
        yield process.pid
    finally:
        await _end(process)


async def _sipp(folder: Path, scenario: str, options: list[str]) -> asyncio.subprocess.Process:
    common = ["-sf", str(SCENARIOS / f"{scenario}.xml"), "-nostdin", "-timer_resol", "1", "-l", _NO_LIMIT]
    common += ["-buff_size", _SOCKET_BYTES, "-trace_err", "-error_file", "errors.log"]
    with (folder / "screen.txt").open("wb") as screen:
        return await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "sipp", *common, *options,
            cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=screen, stderr=screen, start_new_session=True,
        )  # fmt: skip


async def _until_bound(process: asyncio.subprocess.Process, address: Address, folder: Path) -> None:
    wanted = kernel_form(address)
    for _ in range(100):
        if process.returncode is not None:
            break
        if wanted in Path("/proc/net/udp").read_text():
            return
        await asyncio.sleep(0.05)
    raise SippFailedError(f"SIPp does not listen at {address[0]}:{address[1]}: {_said(folder)}")


def kernel_form(address: Address) -> str:
    """``address`` as ``/proc/net/udp`` writes it on a little-endian machine."""
    host = bytes(int(part) for part in address[0].split("."))
    return f"{int.from_bytes(host, 'little'):08X}:{address[1]:04X}"


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await process.wait()


def _result(folder: Path, late_seconds: float, cpu_seconds: float) -> LoadResult:
    try:
        with (folder / "stat.csv").open(newline="") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
    except (OSError, IndexError):
        raise SippFailedError(f"SIPp left no statistics: {_said(folder)}") from None
    return LoadResult(
        created=int(last["TotalCallCreated"]),
        failed=int(last["FailedCall(C)"]),
        retransmissions=int(last["Retransmissions(C)"]),
        ring_ms=tuple(ring_times(folder / "messages.log")),
        late_seconds=late_seconds,
        cpu_seconds=cpu_seconds,
        errors=_said(folder),
    )


def ring_times(log: Path) -> list[float]:
    """Milliseconds from each call's first INVITE to its first 180 in SIPp's short message log."""
    sent: dict[str, float] = {}
    times: list[float] = []
    with log.open(errors="replace") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if len(fields) != _LOG_FIELDS:
                continue
            _, _, at, direction, call_id, _, text = fields
            if direction == "S" and text.startswith("INVITE "):
                sent.setdefault(call_id, float(at))
            elif direction == "R" and text.startswith("SIP/2.0 180") and call_id in sent:
                times.append((float(at) - sent.pop(call_id)) * 1000)
    return times


def _said(folder: Path) -> str:
    texts = [folder / "errors.log", folder / "screen.txt"]
    return "".join(path.read_text(errors="replace")[-1500:] for path in texts if path.exists())
