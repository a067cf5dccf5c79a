"""The door that the dialplan asks at: does anybody listen, and does the PBX ask there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from waybell.checks.dialplan import CHECK as DIALPLAN
from waybell.checks.findings import Finding, Site, failed, ok, warning
from waybell.checks.pbx import Pbx, PbxError

CHECK = "agi"
_DEFAULT_SERVER = "agi://127.0.0.1:4573"
_DEFAULT_PORT = 4573

Address = tuple[str, int]


async def check_listening(site: Site) -> list[Finding]:
    """Whether Waybell runs; that it does not is no failure of the installation."""
    host, port = _address(site.settings.agi.listen)
    place = site.settings.agi.listen
    if await _answers(_reachable(host), port, site.deadline):
        return [ok(CHECK, f"a server listens at {place}")]
    return [warning(CHECK, f"nothing listens at {place}: Waybell does not run", "systemctl start waybell")]


async def check_pointed_here(site: Site, pbx: Pbx) -> list[Finding]:
    """Whether ``WAYBELL_AGI`` in the dialplan names our address."""
    try:
        written = await pbx.variable("WAYBELL_AGI")
    except PbxError as error:
        return [failed(DIALPLAN, f"WAYBELL_AGI cannot be read: {error.problem}", error.remedy)]
    listen = site.settings.agi.listen
    if any(_is_same(server.strip(), listen) for server in (written or _DEFAULT_SERVER).split(",")):
        return [ok(DIALPLAN, f"WAYBELL_AGI is {written or 'not set, which means ' + _DEFAULT_SERVER}")]
    return [
        warning(
            DIALPLAN,
            f"the PBX asks at {written or _DEFAULT_SERVER} (WAYBELL_AGI), but agi.listen is {listen}",
            f"set WAYBELL_AGI = agi://{listen} in [globals] of extensions.conf and run: "
            'asterisk -rx "dialplan reload"; or correct agi.listen',
        )
    ]


def _is_same(server: str, listen: str) -> bool:
    """Whether ``server`` leads to ``listen``; of an address that is not loopback only the port is compared, since the
    PBX may know this machine by another name.
    """
    try:
        url = urlsplit(server)
        asked: Address = (url.hostname or "", url.port or _DEFAULT_PORT)
    except ValueError:
        return False
    host, port = _address(listen)
    if url.scheme != "agi" or asked[1] != port:
        return False
    return not ip_address(host).is_loopback or asked[0] in (host, "localhost")


def _address(listen: str) -> Address:
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def _reachable(host: str) -> str:
    return host if not ip_address(host).is_unspecified else ("::1" if ":" in host else "127.0.0.1")


async def _answers(host: str, port: int, deadline: float) -> bool:
    try:
        async with asyncio.timeout(deadline):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
