"""What the figures must be, and whether they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.reconnecting import RECONNECTED
from bench.variants import PLAIN, WAYBELL

# In fewer calls the cache of the CRM's answers is still filling up, which is no leak.
_CACHE_IS_FULL = 80_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: what was found, what it must be, and whether it is."""

    what: str
    found: str
    must: str
    met: bool


def verdicts(document: Mapping[str, Any]) -> list[Verdict]:
    """All targets for the document of a run."""
    return [*_calls(document), *_rest(document), *_journal(document.get("journal", {}))]


def _calls(document: Mapping[str, Any]) -> Iterator[Verdict]:
    ratio = document["ratio"]
    shown = f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
    yield Verdict("CPU added to a call, Waybell over func_odbc", shown, "≤ 1.4, goal 1.0", ratio["median"] <= 1.4)
    waybell = document["variants"][WAYBELL]
    late = waybell["setup_ms_added"]["p99"]
    yield Verdict("setup delay added, p99", f"{late:.1f} ms", "≤ 150 ms", late <= 150)
    wanted = min(300.0, 0.8 * document["variants"][PLAIN]["highest_rate"])
    rate = waybell["highest_rate"]
    yield Verdict("rate held without a failed call", f"{rate} /s", f"≥ {wanted:g} /s", rate >= wanted > 0)
    wrong = sum(waybell[name] for name in ("failed", "misrouted"))
    yield Verdict("calls failed or put through wrongly at 100 /s", str(wrong), "0", wrong == 0)


def _rest(document: Mapping[str, Any]) -> Iterator[Verdict]:
    small, big = document["lookup"].values()
    for key, what in (("elapsed_us", "time"), ("database_cpu_us", "database CPU")):
        grows = big[key] / small[key] if small[key] else 0.0
        sizes = f"{big['recipients']:,} over {small['recipients']:,} recipients"
        yield Verdict(f"lookup {what}, {sizes}", f"{grows:.2f}", "≤ 1.5", 0 < grows <= 1.5)
    memory = document["memory"]
    shown = f"{memory['last_mb']:.0f} MB"
    yield Verdict(f"memory after {memory['calls']:,} calls", shown, "≤ 120 MB", memory["last_mb"] <= 120)
    if memory["calls"] >= _CACHE_IS_FULL:
        shown = f"{memory['growth_mb']:+.1f} MB"
        yield Verdict("memory added by the second half of them", shown, "≤ 2 MB", memory["growth_mb"] <= 2)
    placing = document["placing"]
    ours, direct = placing["invite_ms"]["waybell"]["p99"], placing["invite_ms"]["ari"]["p99"]
    what = f"callback requested to first INVITE, p99 at {placing['rate']:g} /s"
    yield Verdict(what, f"{ours:.0f} ms (ARI alone {direct:.0f})", "≤ 150 ms", ours <= 150 and not placing["failed"])
    accepted = placing["accepted_per_second"]
    yield Verdict("callbacks accepted", f"{accepted:.0f} /s", "≥ 30 /s", accepted >= 30)
    yield from _live(document["live"])
    yield from _reconnecting(document["reconnecting"]["seconds"])
    speed = document["folding"]["fold_per_second"]
    yield Verdict("event log read and folded", f"{speed:,.0f} records/s", "≥ 20,000", speed >= 20_000)


def _live(live: Mapping[str, Any]) -> Iterator[Verdict]:
    must, whole = "≤ 500 ms, none missed", not live["missed"]
    for key, what in (("started_ms", "INVITE"), ("routed_ms", "decision where a call goes")):
        late = live[key]["p99"]
        yield Verdict(f"{what} to the live stream, p99", f"{late:.0f} ms", must, late <= 500 and whole)


def _reconnecting(seconds: Mapping[str, Any]) -> Iterator[Verdict]:
    for how, found in seconds.items():
        late = found[RECONNECTED]["max"]
        yield Verdict(f"event connection cut ({how}) to the next, slowest", f"{late:.1f} s", "≤ 2 s", late <= 2)
        late = max(times["max"] for what, times in found.items() if what != RECONNECTED)
        yield Verdict(f"the same to all calls known again ({how})", f"{late:.1f} s", "≤ 5 s", late <= 5)


def _journal(journal: Mapping[str, Any]) -> Iterator[Verdict]:
    for store, found in journal.items():
        slowest = found["first_page_ms"][found["slowest"]]["p95"]
        what = f"first page of {found['calls']:,} calls in {store}, slowest question's p95 ({found['slowest']})"
        yield Verdict(what, f"{slowest:.0f} ms", "≤ 100 ms", slowest <= 100)
        speed = found["export_per_second"]
        what = f"export of {found['calls']:,} calls in {store}"
        yield Verdict(what, f"{speed:,.0f} rows/s", "≥ 20,000", speed >= 20_000)
