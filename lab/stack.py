"""A whole company of one's own: Asterisk, Waybell, the telephone network's side and the office's phones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.asterisk import Asterisk
from lab.phone import Phone
from lab.waybell_process import Section, Waybell, free_port
from waybell.people.demo import COMPANY_NUMBER, create_demo_crm


@dataclass(frozen=True, slots=True)
class Stack:
    """``provider`` is everybody behind the trunk (recipients, couriers' mobiles), ``office`` all extensions."""

    pbx: Asterisk
    waybell: Waybell
    provider: Phone
    office: Phone
    agi_port: int
    web_listen: str


def demo_settings(pbx: Asterisk, directory: Path, agi_port: int) -> dict[str, Section]:
    """Settings of the demo company on this PBX, everything of it in ``directory``."""
    return {
        "crm": {"url": f"sqlite+aiosqlite:///{directory}/crm.db"},
        "store": {"url": f"sqlite+aiosqlite:///{directory}/waybell.db"},
        "agi": {"listen": f"127.0.0.1:{agi_port}"},
        "ari": {"url": pbx.ari_url, "password": pbx.settings.ari_password},
        "web": {"listen": f"127.0.0.1:{free_port()}"},
        "calls": {"company_number": COMPANY_NUMBER},
        "cel": {"path": str(pbx.cel_path)},
        "recordings": {"url": f"file://{pbx.directory}/spool/monitor"},
    }


async def point_at(pbx: Asterisk, *agi_ports: int) -> None:
    """Has the dialplan ask the Waybells at these ports, in turn."""
    servers = ",".join(f"agi://127.0.0.1:{port}" for port in agi_ports)
    await pbx.rx(f"dialplan set global WAYBELL_AGI {servers}")


@asynccontextmanager
async def running_stack(
    directory: Path,
    *,
    changes: Mapping[str, Section] | None = None,
    pbx: Asterisk | None = None,
    only: str = "agi,journal",
    webhooks: Sequence[Section] = (),
) -> AsyncIterator[Stack]:
    """All of it, ready for calls. ``changes`` are settings by section that differ from the demo's."""
    directory.mkdir(parents=True, exist_ok=True)
    create_demo_crm(directory / "crm.db")
    agi_port = free_port()
    async with pbx or Asterisk() as asterisk:
        await point_at(asterisk, agi_port)
        settings = demo_settings(asterisk, directory, agi_port)
        for section, keys in (changes or {}).items():
            settings[section] = {**settings.get(section, {}), **keys}
        async with (
            Phone(asterisk.trunk_address, asterisk.sip_address) as provider,
            Phone(asterisk.phones_address, asterisk.sip_address) as office,
            Waybell(directory, settings, only, webhooks) as waybell,
        ):
            yield Stack(asterisk, waybell, provider, office, agi_port, str(settings["web"]["listen"]))
