"""How the doors, the journal and the CRM are doing, as Prometheus reads it; looked at only when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from waybell.calls.keeper import Keeper
from waybell.people.crm import SqlPeople


class DoorCollector(Collector):
    """``waybell_<door>_<counter>_total`` for each field of ``counters``, a dataclass of numbers."""

    def __init__(self, door: str, counters: Any) -> None:
        self._door, self._counters = door, counters

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counters as they stand."""
        for field in fields(self._counters):
            name = f"waybell_{self._door}_{field.name}"
            value = getattr(self._counters, field.name)
            yield CounterMetricFamily(name, f"{self._door.upper()}: {field.name}", value=value)


class JournalCollector(Collector):
    """``waybell_journal_up``, ``…_waiting_calls`` and ``…_lag_bytes``; the last is absent while it cannot be said."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges as they stand."""
        keeper, behind = self._keeper, self._keeper.behind()
        yield GaugeMetricFamily("waybell_journal_up", "1 while event log and store work", value=keeper.well)
        yield GaugeMetricFamily(
            "waybell_journal_waiting_calls", "Finished calls that are not in the store yet", value=keeper.waiting
        )
        if behind is not None:
            yield GaugeMetricFamily(
                "waybell_journal_lag_bytes", "Bytes of the event log still to be read", value=behind
            )


class CrmCollector(Collector):
    """``waybell_crm_up``."""

    def __init__(self, crm: SqlPeople) -> None:
        self._crm = crm

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauge as it stands."""
        yield GaugeMetricFamily("waybell_crm_up", "1 while the CRM answers", value=not self._crm.down)
