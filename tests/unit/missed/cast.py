"""Calls of a small company: recipients with parcels, couriers, a shop."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from waybell.calls.values import Call, Direction, Leg, Party, Status

AT = 1_795_315_974_000_000
MINUTE = 60_000_000
ANNA, ANNAS_WORK, SHOP, BORIS = "79161000001", "79161000009", "74950000101", "79010000011"
BORIS_PARTY = Party(BORIS, "Борис", "courier", "11")

_FIRST = Call(
    id="pbx1-1.0",
    direction=Direction.INBOUND,
    status=Status.MISSED,
    started_at=AT,
    answered_at=None,
    ended_at=AT + 20_000_000,
    caller=Party(),
    dialed="74951234567",
    answered_by=None,
    parcel=None,
    courier=None,
    client=None,
    manager=None,
    wait_seconds=20.0,
    ring_seconds=20.0,
    talk_seconds=0.0,
    legs=(),
    route=(),
)


def call(minute: float, **changes: object) -> Call:
    """A call that began so many minutes after the first; missed unless ``changes`` say otherwise."""
    at = AT + int(minute * MINUTE)
    return replace(_FIRST, **{"id": f"pbx1-{minute:g}", "started_at": at, "ended_at": at + 20_000_000} | changes)  # type: ignore[arg-type]


def by_anna(minute: float, number: str = ANNA, **changes: object) -> Call:
    """Anna calls about parcel 10."""
    caller = Party(number, "Анна", "recipient", "10")
    return call(minute, **{"caller": caller, "parcel": "10", "courier": "11", "client": "101"} | changes)


def by(minute: float, number: str | None, **changes: object) -> Call:
    """Somebody calls of whom only the number is known."""
    return call(minute, caller=Party(number), **changes)


def answered(found: Call, by_whom: Party = BORIS_PARTY) -> Call:
    """``found`` after a quarter of a minute's ringing."""
    return replace(found, status=Status.ANSWERED, answered_at=found.started_at + MINUTE // 4, answered_by=by_whom)


def callback(minute: float, to: Party, *, parcel: str | None = "10", reached: bool = True) -> Call:
    """Boris is called, then ``to``."""
    made = call(minute, direction=Direction.CALLBACK, caller=BORIS_PARTY, dialed=to.number, parcel=parcel, courier="11")
    return answered(made, to) if reached else made


def leg(number: str) -> Leg:
    """A phone that rang and was not answered."""
    return Leg(number, "PJSIP/trunk-0000001b", AT, None, AT + 20_000_000, 19)


_numbers = st.sampled_from([ANNA, ANNAS_WORK, SHOP, BORIS, None])
_parties = st.builds(
    Party,
    _numbers,
    st.none(),
    st.sampled_from([None, "recipient", "recipient", "client"]),
    st.sampled_from(["10", "20"]),
)
_drawn = st.builds(
    lambda minute, direction, status, wait, changes: call(
        minute,
        direction=direction,
        status=status,
        answered_at=AT + (minute + wait) * MINUTE if status is Status.ANSWERED or wait == 2 else None,
        **changes,
    ),
    st.integers(0, 12),
    st.sampled_from([Direction.INBOUND, Direction.INBOUND, *Direction]),
    st.sampled_from([Status.MISSED, Status.MISSED, *Status]),
    st.integers(0, 2),
    st.fixed_dictionaries(
        {
            "caller": _parties,
            "answered_by": st.none() | _parties,
            "dialed": _numbers,
            "parcel": st.sampled_from([None, "10", "10", "20"]),
            "courier": st.sampled_from([None, "11", "12"]),
        }
    ),
)
many_calls = st.lists(_drawn, max_size=25).map(
    lambda found: [replace(each, id=f"pbx1-{number}") for number, each in enumerate(found)]
)
"""Calls of four people, some of them at the same moment."""
