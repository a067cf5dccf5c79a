"""The FastAGI door's counters, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from agi_app.limits import Counters


class AgiCollector(Collector):
    """``waybell_agi_<counter>_total`` for each of :class:`Counters`; read only when somebody asks."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counters as they stand."""
        for field in fields(self._counters):
            name = f"waybell_agi_{field.name}"
            yield CounterMetricFamily(name, f"FastAGI: {field.name}", value=getattr(self._counters, field.name))
