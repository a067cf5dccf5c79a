"""Whether all clocks agree: the journal puts Asterisk's times beside ours and the database's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from waybell.checks.findings import Finding, Site, failed, ok
from waybell.checks.pbx import Pbx, PbxError

CHECK = "clock"
TOLERANCE = 2.0
"""Seconds."""


async def check_asterisk_clock(site: Site, pbx: Pbx) -> list[Finding]:
    """By the time in ARI's answer to a ping."""

    async def ask() -> datetime:
        answer = await pbx.get("asterisk/ping")
        try:
            return datetime.strptime(answer.text("timestamp"), "%Y-%m-%dT%H:%M:%S.%f%z")
        except ValueError:
            raise PbxError("Asterisk does not tell its time", "update Asterisk to 22.10.1 or newer") from None

    try:
        return [await compare(site, "Asterisk", ask)]
    except PbxError as error:
        return [failed(CHECK, f"Asterisk's clock cannot be read: {error.problem}", error.remedy)]


async def compare(site: Site, whose: str, ask: Callable[[], Awaitable[datetime]]) -> Finding:
    """``ask`` gives the other's time while the question is under way; a slow answer is no difference."""
    before = site.now()
    theirs = (await ask()).astimezone(UTC).timestamp()
    after = site.now()
    difference = theirs - (before + after) / 2
    if abs(difference) - (after - before) / 2 <= TOLERANCE:
        return ok(CHECK, f"{whose} agrees with this machine ({difference:+.2f} s)")
    way = "ahead of" if difference > 0 else "behind"
    return failed(
        CHECK,
        f"{whose} is {abs(difference):.1f} s {way} this machine; {TOLERANCE:g} s is the most",
        "run chrony (apt-get install chrony) on both machines and see `chronyc tracking`",
    )
