from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from lab.waybell_process import Section, Waybell, free_port

PARTS = "agi,journal,web"
ENVIRONMENT = (
    b"agi_network_script: step\nagi_request: agi://127.0.0.1/step\nagi_uniqueid: 1.1\nagi_callerid: 79161000001\n"
    b"agi_arg_1: \nagi_arg_2: \nagi_arg_3: 74951234567\n\n"
)


@dataclass(frozen=True, slots=True)
class Served:
    """A running ``waybell serve`` and how to reach it."""

    waybell: Waybell
    web: httpx2.AsyncClient
    agi_port: int
    web_port: int

    async def ready(self) -> dict[str, object]:
        """What ``/health/ready`` says."""
        document: dict[str, object] = (await self.web.get("/health/ready")).json()
        return document

    async def until(self, condition: Callable[[dict[str, object]], object]) -> None:
        """Wait until ``/health/ready`` says so; the test's own deadline ends it."""
        while not condition(await self.ready()):  # noqa: ASYNC110 -- it is another process
            await asyncio.sleep(0.02)


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """``async with serve(section={…}) as served``: with the demo's CRM, on free ports, all files in ``tmp_path``."""

    @asynccontextmanager
    async def run(**sections: Section) -> AsyncIterator[Served]:
        ports = free_port(), free_port()
        waybell = Waybell(tmp_path, own_settings(tmp_path, *ports, sections), PARTS)
        async with waybell, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{ports[1]}", timeout=10) as web:
            yield Served(waybell, web, *ports)

    return run


def own_settings(
    folder: Path, agi_port: int, web_port: int, sections: Mapping[str, Section]
) -> dict[str, dict[str, object]]:
    """Settings that meet nobody else's, with ``sections`` over them."""
    settings: dict[str, dict[str, object]] = {
        "agi": {"listen": f"127.0.0.1:{agi_port}"},
        "web": {"listen": f"127.0.0.1:{web_port}"},
        "cel": {"path": str(folder / "waybell.csv")},
        "calls": {"company_number": "74951234567"},
    }
    for name, section in sections.items():
        settings[name] = {**settings.get(name, {}), **section}
    return settings


async def ask_agi(port: int) -> bytes:
    """One step over FastAGI; the command that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ENVIRONMENT)
    async with asyncio.timeout(5):
        command = await reader.readline()
        writer.write(b"200 result=1\n")
        await reader.read()
    writer.close()
    await writer.wait_closed()
    return command
