"""The door that the dialplan asks at: does Waybell answer there, and does the PBX ask there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

from waybell.checks.dialplan import CHECK as DIALPLAN
from waybell.checks.findings import Finding, Site, failed, ok, warning
from waybell.checks.pbx import Pbx, PbxError
from waybell.routing.verbs import VARIABLE

CHECK = "agi"
_DEFAULT_SERVER = "agi://127.0.0.1:4573"
_DEFAULT_PORT = 4573
_ANSWER_SECONDS = 3.0
_LONGEST_ANSWER = 1 << 16
_DECISION = re.compile(rf'SET VARIABLE "?{VARIABLE}"? "')
# The first step of a call from nobody: no CRM is asked for it, and nothing is kept of it.
_QUESTION = b"agi_network: yes\nagi_network_script: step\nagi_request: agi://check/step\nagi_callerid: unknown\n\n"
_THANKS = b"200 result=1\n"

Address = tuple[str, int]


async def check_listening(site: Site) -> list[Finding]:
    """Whether Waybell runs and answers; that it does not run is no failure of the installation."""
    host, port = _address(site.settings.agi.listen)
    place = site.settings.agi.listen
    answer = await _ask(_reachable(host), port, min(site.deadline, _ANSWER_SECONDS))
    if answer is None:
        return [warning(CHECK, f"nothing listens at {place}: Waybell does not run", "systemctl start waybell")]
    if _DECISION.match(answer):
        return [ok(CHECK, f"Waybell answers at {place}")]
    if not answer and not _lets_us_in(host, site.settings.agi.allow_remote):
        return [ok(CHECK, f"a server listens at {place}; agi.allow_remote keeps this machine from asking it")]
    said = f"says {answer[:60]!r}" if answer else "gives no answer"
    return [
        failed(
            CHECK,
            f"something listens at {place} that {said}: it is not Waybell, or is stuck",
            f"see what it is (ss -ltnp 'sport = :{port}') and what journalctl -u waybell says, or change agi.listen",
        )
    ]


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


def _lets_us_in(host: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether a server at ``host`` takes questions from this machine, which asks from the same address."""
    address = ip_address(_reachable(host))
    return address.is_loopback or any(address in network for network in networks)


async def _ask(host: str, port: int, deadline: float) -> str | None:
    """The first line that answers a step, empty when there was none in time; ``None`` when nobody listens."""
    try:
        async with asyncio.timeout(deadline):
            reader, writer = await asyncio.open_connection(host, port, limit=_LONGEST_ANSWER)
    except (OSError, TimeoutError):
        return None
    try:
        async with asyncio.timeout(deadline):
            writer.write(_QUESTION)
            line = await reader.readline()
            writer.write(_THANKS)
            await writer.drain()
    except (OSError, ValueError, TimeoutError):
        line = b""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return line.decode("utf-8", "replace").strip()
