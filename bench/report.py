"""The tables that a run prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.summary import ROLES
from bench.targets import verdicts


def show(document: Mapping[str, Any], console: Console) -> None:
    """Prints the variants side by side, then every target."""
    plan = document["plan"]
    console.print(
        f"\n{plan['rounds']} rounds of {plan['calls']} calls at {plan['rate']:g}/s for each; CPU in ms per call, "
        "setup delay in ms from INVITE to 180 at the caller"
    )
    console.print(_variants(document["variants"]))
    folding, machine = document["folding"], document["machine"]
    console.print(
        f"{folding['records']:,} log records: folded at {folding['fold_per_second']:,.0f}/s, "
        f"rebuilt into SQLite at {folding['rebuild_per_second']:,.0f}/s, one core"
    )
    console.print(f"{machine['cores']} × {machine['processor']}, Asterisk {machine['asterisk']}")
    console.print(_targets(document))


def _variants(variants: Mapping[str, Any]) -> Table:
    table = Table()
    table.add_column("")
    for title in (*ROLES, "CPU total", "CPU added", "p50", "p95", "p99", "calls/s held", "failed"):
        table.add_column(title, justify="right")
    for name, found in variants.items():
        cpu, over = found["cpu_ms_per_call"], found["cpu_ms_added"]["total"]
        table.add_row(
            name,
            *(f"{cpu[role]:.2f}" for role in (*ROLES, "total")),
            f"{over['median']:.2f} ({over['low']:.2f} to {over['high']:.2f})",
            *(f"{found['setup_ms'][name]:.1f}" for name in ("p50", "p95", "p99")),
            str(found["highest_rate"]),
            str(found["failed"] + found["misrouted"]),
        )
    return table


def _targets(document: Mapping[str, Any]) -> Table:
    table = Table("target", "found", "must be", "")
    for verdict in verdicts(document):
        table.add_row(verdict.what, verdict.found, verdict.must, "[green]met[/]" if verdict.met else "[red]missed[/]")
    return table
