"""The AMI door's counters and limits."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ami_app.limits import Counters, Limits
from waybell.metrics import DoorCollector


def test_every_counter_is_told_as_a_total() -> None:
    counters, registry = Counters(logins=3), CollectorRegistry()
    registry.register(DoorCollector("ami", counters))
    assert b"waybell_ami_logins_total 3.0" in generate_latest(registry)


@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_a_limit_that_lets_nothing_through_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="ami limit login_seconds"):
        Limits(login_seconds=value)
