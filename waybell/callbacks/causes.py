"""Why a phone was not reached, from what the network said: Q.850 causes and SIP statuses.

SIP's statuses mean the causes that RFC 3398 (8.2.6.1) gives for them. Two departures: 401, 402 and 407 are "call
rejected" there, but for whoever places calls they say that the provider does not know us, so the phone was not reached
and refused nothing; and 487 has no cause there, because it is the answer to our own CANCEL when nobody picked up.
"""

from __future__ import annotations

from types import MappingProxyType

from waybell.callbacks.values import Reason

_BUSY, _NO_ANSWER, _REFUSED, _UNREACHABLE = Reason.BUSY, Reason.NO_ANSWER, Reason.REFUSED, Reason.UNREACHABLE

BY_CAUSE = MappingProxyType(
    {
        17: _BUSY,
        18: _NO_ANSWER,  # no user responding
        19: _NO_ANSWER,  # rang, and nobody answered
        21: _REFUSED,
        102: _NO_ANSWER,  # a timer of the network's ran out
    }
)
"""Q.850 causes that say enough by themselves. All others above 0 but those of :data:`VAGUE` mean: unreachable (1
unallocated, 3 no route, 20 subscriber absent, 22 number changed, 27 out of order, 28 incomplete, 34 to 47 no resources,
50 to 65 not provided, 88 and later protocol errors).
"""

VAGUE = frozenset((0, 16, 26, 31, 127))
"""No cause, normal clearing, picked up elsewhere, unspecified, interworking: the SIP status knows better, if there is
one; else it rang until somebody stopped it.
"""

BY_SIP_STATUS = MappingProxyType(
    {
        403: _REFUSED,  # 21
        408: _NO_ANSWER,  # 102
        480: _NO_ANSWER,  # 18
        486: _BUSY,  # 17
        487: _NO_ANSWER,
        504: _NO_ANSWER,  # 102
        600: _BUSY,  # 17
        603: _REFUSED,  # 21
        607: _REFUSED,  # unwanted, RFC 8197
        608: _REFUSED,  # rejected by an intermediary, RFC 8688
    }
)
"""SIP statuses from 300 on that mean something else than unreachable."""

# What the callee's telephone or exchange says for sure; a gateway's cause beside it would be a translation.
_CERTAIN = frozenset((486, 600, 603, 607, 608))

BY_DIALSTATUS = MappingProxyType(
    {"BUSY": _BUSY, "NOANSWER": _NO_ANSWER, "CONGESTION": _UNREACHABLE, "CHANUNAVAIL": _UNREACHABLE}
)
"""Asterisk's ``DIALSTATUS`` where nothing better is known."""

# No circuit, network out of order, temporary failure, congestion, channel not available, resource unavailable.
_LINE_CAUSES = frozenset((34, 38, 41, 42, 44, 47))
# Failures of a provider's, not of the number: it does not know us, or it does not work just now.
_LINE_STATUSES = frozenset((401, 402, 407, 500, 502, 503))


def reason_of(cause: int = 0, sip_cause: int = 0, dialstatus: str = "") -> Reason:
    """Why a phone was not reached; each of the three may be unknown (0, empty)."""
    if sip_cause in _CERTAIN:
        return BY_SIP_STATUS[sip_cause]
    if sip_cause in _LINE_STATUSES:
        return _UNREACHABLE
    if cause not in VAGUE:
        return BY_CAUSE.get(cause, _UNREACHABLE)
    if sip_cause >= 300:
        return BY_SIP_STATUS.get(sip_cause, _UNREACHABLE)
    return BY_DIALSTATUS.get(dialstatus, _NO_ANSWER)


def is_line_failure(cause: int, sip_cause: int = 0) -> bool:
    """Whether the line failed and not the number, so that the next line may reach it."""
    return sip_cause in _LINE_STATUSES if sip_cause >= 300 else cause in _LINE_CAUSES
