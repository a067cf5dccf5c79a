"""The AMI door's counters, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from ami_app.limits import Counters


class AmiCollector(Collector):
    """``waybell_ami_<counter>_total`` for each of :class:`Counters`; read only when somebody asks."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counters as they stand."""
        for field in fields(self._counters):
            name = f"waybell_ami_{field.name}"
            yield CounterMetricFamily(name, f"AMI: {field.name}", value=getattr(self._counters, field.name))
