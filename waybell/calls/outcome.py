"""How a call ended, concluded from what its channels did.

Asterisk's word for a failed ``Dial`` is not enough: a phone that declines (603) or cannot be reached (503) often gives
``NOANSWER`` in the event log. So the causes of the legs that were tried last (Q.850) are heard first.
"""

from __future__ import annotations

from waybell.calls.channels import Conversation
from waybell.calls.dialling import Channel
from waybell.calls.values import RouteStep, Status

_BUSY, _REJECTED = 17, 21
# Rang until somebody stopped it: 0 and 127 no cause given, 16 normal clearing, 18 and 19 no answer,
# 23 sent the caller elsewhere (302) where we do not follow, 26 somebody else answered, 31 unspecified, 102 timer
# expired.
_RANG = frozenset((0, 16, 18, 19, 23, 26, 31, 102, 127))
_BY_DIALSTATUS = {
    "BUSY": Status.BUSY,
    "CONGESTION": Status.FAILED,
    "CHANUNAVAIL": Status.FAILED,
    "INVALIDARGS": Status.FAILED,
    "DONTCALL": Status.REJECTED,
    "TORTURE": Status.REJECTED,
}


def status_of(conversation: Conversation, *, answered: bool, interrupted: bool) -> Status:
    """The status of a conversation; ``interrupted`` when its end never came."""
    if interrupted:
        return Status.INTERRUPTED
    if not conversation.closed:
        return Status.IN_PROGRESS
    if answered:
        return Status.ANSWERED
    last_verb = conversation.notes[-1][1].verb if conversation.notes else ""
    if not conversation.attempts and conversation.caller and conversation.is_placed:
        return _first_phone(conversation.caller)
    if not conversation.attempts:
        return Status.REJECTED if last_verb == "hangup" else Status.MISSED
    if last_verb not in ("dial", "hangup", "say", ""):
        return Status.MISSED  # the caller left a menu or an announcement
    return _last_attempt(conversation)


def _first_phone(channel: Channel) -> Status:
    """A call that Waybell placed and that never got to its second phone."""
    if channel.answered is not None or (channel.cause or 0) in _RANG:
        return Status.MISSED
    return {_BUSY: Status.BUSY, _REJECTED: Status.REJECTED}.get(channel.cause or 0, Status.FAILED)


def _last_attempt(conversation: Conversation) -> Status:
    result = _result(conversation, conversation.attempts[-1].note)
    last = len(conversation.attempts) - 1
    while last > 0 and conversation.attempts[last].pipe:
        last -= 1  # behind a Local channel that an attempt before it rang
    causes = {leg.cause or 0 for leg in conversation.legs if leg.attempt >= last}
    if result == "CANCEL" or not causes:
        return _BY_DIALSTATUS.get(result, Status.MISSED)
    if causes == {_REJECTED}:
        return Status.REJECTED
    if causes & _RANG:
        return Status.MISSED
    if result == "BUSY" or _BUSY in causes:
        return Status.BUSY
    return Status.REJECTED if _REJECTED in causes else Status.FAILED


def route_of(conversation: Conversation, *, answered: bool) -> tuple[RouteStep, ...]:
    """One entry a note; what came of it is what the next note tells, and for the last what the channels show."""
    return tuple(
        RouteStep(at, note.step, note.verb, note.why, _shown_result(conversation, number, answered), note.source)
        for number, (at, note) in enumerate(conversation.notes)
    )


def _shown_result(conversation: Conversation, number: int, answered: bool) -> str | None:
    is_last = number == len(conversation.notes) - 1
    if not is_last or conversation.notes[number][1].verb == "dial":
        if is_last and answered:
            return "ANSWER"
        return _result(conversation, number) or None
    left = conversation.caller is not None and conversation.caller.ended is not None
    return "HANGUP" if left and conversation.notes[number][1].verb != "hangup" else None


def _result(conversation: Conversation, number: int) -> str:
    """What the step after note ``number`` heard of it, else Asterisk's own dial status at the caller's hang-up."""
    if 0 <= number < len(conversation.notes) - 1:
        return conversation.notes[number + 1][1].last
    return conversation.caller.dialstatus if conversation.caller else ""
