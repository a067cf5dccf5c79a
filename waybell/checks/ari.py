"""Asterisk's REST interface: is it there, may we use it, is it new enough."""

from __future__ import annotations

import re

from waybell.checks.findings import Finding, Site, failed, ok, warning
from waybell.checks.pbx import Answer, Pbx, PbxError

CHECK = "ari"
MINIMUM = (22, 10, 1)
"""The lowest version of Asterisk 22 without the ARI advisories of June 2026."""


async def check_ari(site: Site, pbx: Pbx) -> list[Finding]:
    """One failure, or one line and a warning for each thing that should be seen to."""
    ari = site.settings.ari
    try:
        info = await pbx.get("asterisk/info")
        version = _version_text(info, ari.url)
        in_use = (await pbx.get(f"applications/{ari.app}")).status == 200
        read_only = not await pbx.may_write()
    except PbxError as error:
        return [failed(CHECK, error.problem, error.remedy)]
    use = "" if in_use else "not "
    found = [ok(CHECK, f"Asterisk {version} at {ari.url}, user {ari.user}, application {ari.app} {use}in use")]
    found += _version(version)
    if read_only:
        found.append(
            warning(CHECK, f"user {ari.user} may only read: no call can be placed", "set read_only = no in ari.conf")
        )
    return found


def _version_text(info: Answer, url: str) -> str:
    if version := info.text("system", "version"):
        return version
    if info.status == 404:
        raise PbxError(
            f"{url} is an HTTP server, but ARI is off there (HTTP 404)",
            "set enabled = yes in [general] of ari.conf, load res_ari.so and res_ari_asterisk.so in modules.conf, "
            'then: asterisk -rx "module reload res_ari.so"; with a prefix in http.conf, put it into ari.url',
        )
    raise PbxError(
        f"{url} does not answer as Asterisk does (HTTP {info.status})", "correct ari.url: Asterisk's own HTTP server"
    )


def _version(text: str) -> list[Finding]:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", text)
    if found and tuple(map(int, found.groups())) >= MINIMUM:
        return []
    needed = ".".join(map(str, MINIMUM))
    what = "is older than" if found else "cannot be compared with"
    return [
        warning(
            CHECK,
            f"Asterisk {text} {what} {needed}, the first without the ARI security advisories of June 2026",
            f"update Asterisk to {needed} or newer; until then let nobody but Waybell reach ARI",
        )
    ]
