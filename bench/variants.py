"""The four ways to route the same calls, each with an Asterisk of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import odbc
from bench.cpu import Meter
from bench.routes import RouteLog
from bench.traffic import all_extensions
from lab.asterisk import Asterisk
from lab.crm_data import Company
from lab.mariadb import Database, MariaDB
from lab.odbc import driver_settings
from lab.pbx_config import PROJECT
from lab.waybell_process import Section, Waybell, free_port
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

PLAIN, FUNC_ODBC, EMPTY, WAYBELL = NAMES = ("plain", "func_odbc", "empty", "waybell")
COMPANY_NUMBER = "74951234567"
# The laboratory's own block has room for some hundred calls; a port in use there is passed over by Asterisk.
_RTP = {"rtp_start": "33000", "rtp_end": "60998"}
_START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class World:
    """What all variants share: the database server with the CRM, the phones (their port, and their process ids by
    name), a folder to work in.
    """

    server: MariaDB
    crm: Database
    company: Company
    phones_port: int
    phones: Mapping[str, int]
    folder: Path


@dataclass(frozen=True, slots=True)
class Variant:
    """A running variant; ``pids`` are its processes by role, ``phones`` those that it calls; ``agi_port`` is 0 where
    nobody is asked over AGI.
    """

    name: str
    pbx: Asterisk
    pids: Mapping[str, int]
    phones: Mapping[str, int]
    routes: RouteLog
    agi_port: int = 0

    def meter(self) -> Meter:
        """Counts CPU time from now on."""
        return Meter(self.pids)

    async def calls_now(self) -> int:
        """How many channels this Asterisk has."""
        return len((await self.pbx.rx("core show channels concise")).split())


@asynccontextmanager
async def all_variants(world: World) -> AsyncIterator[dict[str, Variant]]:
    """Every variant by name, ready for calls."""
    makers = {PLAIN: _plain, FUNC_ODBC: _func_odbc, EMPTY: _empty, WAYBELL: _waybell}
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(makers[name](world)) for name in NAMES}


def waybell_settings(world: World, agi_port: int, folder: Path, cel_path: Path) -> dict[str, Section]:
    """As an admin would set it: the CRM in MariaDB, everything else by default."""
    return {
        "crm": {"url": world.crm.reader()},
        "store": {"url": f"sqlite+aiosqlite:///{folder}/waybell.db"},
        "agi": {"listen": f"127.0.0.1:{agi_port}"},
        "calls": {"company_number": COMPANY_NUMBER},
        "cel": {"path": str(cel_path)},
    }


@asynccontextmanager
async def _plain(world: World) -> AsyncIterator[Variant]:
    dialplan = (Path(__file__).parent / "asterisk" / "plain.conf").read_text(encoding="utf-8")
    async with _asterisk(world, {"waybell.conf": dialplan}) as pbx:
        yield _variant(PLAIN, world, pbx)


@asynccontextmanager
async def _func_odbc(world: World) -> AsyncIterator[Variant]:
    with driver_settings(world.crm):
        async with _asterisk(world, odbc.asterisk_files()) as pbx:
            yield _variant(FUNC_ODBC, world, pbx)


@asynccontextmanager
async def _empty(world: World) -> AsyncIterator[Variant]:
    port = free_port()
    async with _asterisk(world, agi_port=port) as pbx:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.empty_server", str(port), cwd=PROJECT, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(_START_SECONDS):
                await process.stdout.readline()
            yield _variant(EMPTY, world, pbx, process.pid, port)
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def _waybell(world: World) -> AsyncIterator[Variant]:
    port, folder = free_port(), world.folder / "waybell"
    async with _asterisk(world, agi_port=port) as pbx:
        settings = waybell_settings(world, port, folder, pbx.cel_path)
        waybell = Waybell(folder, settings)
        await _init_store(str(settings["store"]["url"]))
        async with waybell:
            yield _variant(WAYBELL, world, pbx, waybell.pid, port)


async def _init_store(url: str) -> None:
    """As ``waybell init`` does it: a process that has to do it keeps the memory this takes."""
    engine = make_engine(url)
    await migrate(engine)
    await engine.dispose()


def _asterisk(world: World, files: Mapping[str, str] | None = None, agi_port: int = 0) -> Asterisk:
    ports = dict.fromkeys(("trunk_port", "phones_port"), str(world.phones_port))
    return Asterisk(
        extensions=all_extensions(world.company),
        dialplan_globals={"WAYBELL_AGI": f"agi://127.0.0.1:{agi_port}"} if agi_port else None,
        extra_files=files,
        settings=_RTP | ports,
    )


def _variant(name: str, world: World, pbx: Asterisk, app: int = 0, agi_port: int = 0) -> Variant:
    pids = {"asterisk": pbx.pid, "database": world.server.pid} | ({"app": app} if app else {})
    return Variant(name, pbx, pids, world.phones, RouteLog(pbx.cel_path), agi_port)
