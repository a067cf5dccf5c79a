"""What is asked of a call beside putting it through: record it first, have the caller rate it afterwards."""

from __future__ import annotations

from waybell.routing.extras import UNKNOWN, recording_file
from waybell.routing.walk import Do, Go, Walk

RECORD_RESULTS = frozenset(("RECORDING", "UNANNOUNCED"))
"""What the verb ``record`` reports; no other verb does."""

ASKED = "asked"
"""The rating in the note of a step that asks for one."""

_ASKED_TWICE = 2


def record_first(walk: Walk) -> Do | None:
    """What begins the call's recording, if it is to be recorded and is not yet."""
    extras = walk.extras
    if walk.recording or not extras.new_id or not extras.recorded.takes(_marks(walk)):
        return None
    walk.recording = extras.new_id
    prompt = "waybell/recorded" if extras.announced else ""
    why = "the call is recorded, which the caller hears" if prompt else "the call is recorded"
    args = (recording_file(walk.recording), prompt, walk.dialling.language)
    return Do("record", args, why, recording=walk.recording)


def is_rated(walk: Walk) -> bool:
    """Whether the caller is one of those who are asked."""
    return walk.extras.rated.takes(_marks(walk))


def ask_rating(walk: Walk) -> Go | Do:
    """Ask for 1 to 5, and once more after another key."""
    extras = walk.extras
    if not walk.over or not is_rated(walk):
        return Go("skipped", "no rating is asked for")
    if not extras.may_ask:
        return Go("skipped", "no rating is asked for: this caller was asked lately")
    if walk.attempts >= _ASKED_TWICE:
        return Go("declined", "no rating was given")
    prompts = ("waybell/menu-wrong&" if walk.attempts else "") + "waybell/rate"
    args = (prompts, str(extras.rating_seconds), walk.dialling.language)
    return Do("menu", args, "the caller is asked how the call was", rating=ASKED)


def take_comment(walk: Walk) -> Do:
    """Thank, and record what the caller has to say."""
    extras, language = walk.extras, walk.dialling.language
    if not extras.comment_seconds or not extras.new_id:
        return Do("say", ("waybell/rate-thanks", language), "the caller is thanked")
    args = (recording_file(extras.new_id), "waybell/rate-comment", language, str(extras.comment_seconds))
    return Do("comment", args, "the caller may say more", recording=extras.new_id)


def after_rating(walk: Walk) -> str:
    """By which exit the caller leaves the question; empty: they are asked again."""
    walk.over = True
    if walk.result in ("1", "2", "3", "4", "5"):
        walk.rating = walk.result
        return "rated"
    walk.attempts += 1
    return "" if walk.result.isascii() and walk.result.isalnum() and len(walk.result) == 1 else "declined"


def _marks(walk: Walk) -> tuple[str, str]:
    return walk.kind or UNKNOWN, walk.dialed
