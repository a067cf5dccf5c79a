"""What the whole benchmark stands on: MariaDB with two courier companies, phones, and the four variants."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import sipp
from bench.rounds import Say
from bench.variants import Variant, World, all_variants
from lab.crm_data import Company, fill
from lab.mariadb import Database, MariaDB

SMALL, BIG = 10_000, 1_000_000
# As in production, the CRM's data fit into memory.
_DATABASE_OPTIONS = ("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M")
_PHONES = ("127.0.0.1", "127.0.0.2")


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything, running. ``crms`` are the databases by their number of recipients; calls use the big one."""

    company: Company
    server: MariaDB
    crms: dict[int, Database]
    variants: dict[str, Variant]


@asynccontextmanager
async def stage(folder: Path, say: Say) -> AsyncIterator[Stage]:
    """Sets it all up; ``folder`` holds what it writes."""
    company = Company(recipients=BIG)
    with MariaDB(*_DATABASE_OPTIONS) as server:
        say(f"filling MariaDB with {BIG:,} recipients")
        crms = {SMALL: fill(server, Company(recipients=SMALL)), BIG: fill(server, company)}
        port = _free_udp_port()
        say("starting the phones and four Asterisks")
        async with (
            sipp.phones((_PHONES[0], port), folder / "extensions") as extensions,
            sipp.phones((_PHONES[1], port), folder / "network") as network,
        ):
            phones = {"extensions": extensions, "network": network}
            async with all_variants(World(server, crms[BIG], company, port, phones, folder)) as variants:
                yield Stage(company, server, crms, variants)


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("0.0.0.0", 0))
        return int(probe.getsockname()[1])
