"""The tables that a run prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.journal_search import table as journal_table
from bench.summary import ROLES
from bench.targets import verdicts

# Less than so much work of others' does not show in what is measured.
_QUIET_CORES = 0.1


def show(document: Mapping[str, Any], console: Console) -> None:
    """Prints the variants side by side, then every target."""
    plan, folding, machine = document["plan"], document["folding"], document["machine"]
    console.print(
        f"\n{plan['rounds']} rounds of {plan['calls']} calls at {plan['rate']:g}/s for each, steadied by SIPp's CPU.",
        highlight=False,
    )
    console.print(_cpu(document["variants"]))
    console.print(_calls(document["variants"]))
    console.print(
        f"Event log, one core: {folding['fold_per_second']:,.0f} records/s folded, "
        f"{folding['rebuild_per_second']:,.0f}/s rebuilt into SQLite.\n"
        f"{machine['cores']} cores {machine['processor']}, Asterisk {machine['asterisk']}",
        highlight=False,
    )
    if "journal" in document:
        console.print(journal_table(document["journal"]))
    if document["busy_with_others"] > _QUIET_CORES:
        console.print(
            f"[yellow]The machine was busy with something else too ({document['busy_with_others']:.1f} cores): "
            "the figures are uncertain. Repeat it when nothing else runs.[/]"
        )
    console.print(_targets(document))


def _cpu(variants: Mapping[str, Any]) -> Table:
    table = _table("CPU, ms per call", *ROLES, "total", "added, 90 % sure")
    for name, found in variants.items():
        cpu, over = found["cpu_ms_per_call"], found["cpu_ms_added"]["total"]
        added = f"{over['median']:.2f} ({over['low']:.2f} to {over['high']:.2f})"
        table.add_row(name, *(f"{cpu[role]:.2f}" for role in (*ROLES, "total")), added)
    return table


def _calls(variants: Mapping[str, Any]) -> Table:
    table = _table("INVITE to 180 at the caller, ms", "p50", "p95", "p99", "calls/s held", "failed", "misrouted")
    for name, found in variants.items():
        setup = (f"{value:.1f}" for value in found["setup_ms"].values())
        counts = (str(found[what]) for what in ("highest_rate", "failed", "misrouted"))
        table.add_row(name, *setup, *counts)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table("", title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _targets(document: Mapping[str, Any]) -> Table:
    table = Table("target", "found", "must be", "")
    for verdict in verdicts(document):
        table.add_row(verdict.what, verdict.found, verdict.must, "[green]met[/]" if verdict.met else "[red]missed[/]")
    return table
