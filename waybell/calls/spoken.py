"""What was recorded of a call, and what its caller said of it afterwards: both stand in our notes. Pure."""

from __future__ import annotations

from waybell.calls.channels import Conversation
from waybell.calls.values import Feedback, Recording

_RECORDING_VERBS = ("record", "recordnext")
_NOT_BEGUN = "UNANNOUNCED"
_RATINGS = ("1", "2", "3", "4", "5")


def recordings_of(conversation: Conversation, answered_at: int | None) -> tuple[Recording, ...]:
    """What was recorded. Nothing is until somebody answers, and only what was announced, if it had to be."""
    notes = conversation.notes
    if answered_at is None or not any(note.recording for _, note in notes):
        return ()
    heard = [*(note.last for _, note in notes[1:]), ""]
    return tuple(
        Recording(note.recording, max(at, answered_at))
        for (at, note), result in zip(notes, heard, strict=True)
        if note.recording and note.verb in _RECORDING_VERBS and result != _NOT_BEGUN
    )


def feedback_of(conversation: Conversation) -> Feedback | None:
    """What the caller gave after the call; ``None``: nobody asked them."""
    asked = next((at for at, note in conversation.notes if note.rating), None)
    if asked is None:
        return None
    rated = next(((at, note) for at, note in conversation.notes if note.rating in _RATINGS), None)
    if rated is None:
        return Feedback(asked)
    comment = next((note.recording for _, note in conversation.notes if note.verb == "comment"), "")
    return Feedback(asked, int(rated[1].rating), rated[0], comment or None)
