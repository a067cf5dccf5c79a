"""All checks, side by side, in the order in which an installation is put right."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

from waybell.checks import agi, ari, calls, cel, cel_log, cel_table, clock, crm, dialplan, phones, recordings, store
from waybell.checks.findings import Finding, Site, Status, failed, skipped
from waybell.checks.pbx import Pbx, open_pbx

ORDER = tuple(room.CHECK for room in (crm, store, ari, dialplan, calls, phones, agi, cel, cel_log, recordings, clock))


async def run_checks(site: Site) -> list[Finding]:
    """Never raises: whatever a check trips over becomes a failed line. Takes twice ``site.deadline`` at most."""
    # Half of it for one answer of Asterisk's, so that what did not answer can still be named.
    async with open_pbx(site.settings.ari, site.deadline / 2) as pbx:
        groups = await asyncio.gather(
            _asterisk(site, pbx),
            _guarded(site, crm.CHECK, crm.check_crm(site)),
            _guarded(site, store.CHECK, store.check_store(site)),
            _guarded(site, agi.CHECK, agi.check_listening(site)),
            _guarded(site, calls.CHECK, calls.check_calls(site)),
            _guarded(site, cel_log.CHECK, _event_log(site)),
            _guarded(site, recordings.CHECK, _in_thread(recordings.check_recordings, site)),
        )
    return sorted((finding for group in groups for finding in group), key=lambda finding: ORDER.index(finding.check))


async def _asterisk(site: Site, pbx: Pbx) -> list[Finding]:
    """What is asked of Asterisk itself, once it is known to answer."""
    found = await _guarded(site, ari.CHECK, ari.check_ari(site, pbx))
    if any(finding.status is Status.FAILED for finding in found):
        local = await _guarded(site, cel.CHECK, cel.check_cel(site, None))
        why = "not looked at: Asterisk cannot be asked (see ari)"
        unseen = [skipped(room.CHECK, why) for room in (dialplan, phones)]
        return [*found, *local, *unseen, skipped(clock.CHECK, f"of Asterisk {why}")]
    groups = await asyncio.gather(
        _guarded(site, dialplan.CHECK, dialplan.check_dialplan(site, pbx)),
        _guarded(site, dialplan.CHECK, agi.check_pointed_here(site, pbx)),
        _guarded(site, phones.CHECK, phones.check_phones(site, pbx)),
        _guarded(site, cel.CHECK, cel.check_cel(site, pbx)),
        _guarded(site, clock.CHECK, clock.check_asterisk_clock(site, pbx)),
    )
    return [*found, *(finding for group in groups for finding in group)]


def _event_log(site: Site) -> Awaitable[list[Finding]]:
    if site.settings.cel.url:
        return cel_table.check_cel_table(site)
    return _in_thread(cel_log.check_cel_log, site)


async def _in_thread(look: Callable[[Site], list[Finding]], site: Site) -> list[Finding]:
    """A file system that hangs holds one thread, which does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[Finding]] = loop.create_future()

    def work() -> None:
        try:
            found, error = look(site), None
        except Exception as problem:  # told by whoever waits
            found, error = [], problem
        with suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(_settle, future, found, error)

    threading.Thread(target=work, daemon=True).start()
    return await future


def _settle(future: asyncio.Future[list[Finding]], found: list[Finding], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(found)
    else:
        future.set_exception(error)


async def _guarded(site: Site, check: str, work: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        async with asyncio.timeout(site.deadline):
            return await work
    except TimeoutError:
        return [
            failed(check, f"no answer within {site.deadline:g} s", "see that what is checked runs and is not stuck")
        ]
    except Exception as error:  # a check that trips must not hide what the others found
        what = " ".join(f"{type(error).__name__}: {error}".split())
        return [failed(check, f"could not be checked: {what}", "correct what that says, or report it to Waybell")]
