"""A step as the dialplan reads it: ``<state>,<verb>,<arg>,<arg>,<arg>,<arg>,<note>,<more>``, one line without quotes.

``dialplan/waybell.conf`` splits it with ``ARRAY``; the verbs and what each argument is stand there.
"""

from __future__ import annotations

import re
from dataclasses import replace

from waybell import notes
from waybell.routing import state as states
from waybell.routing.state import State
from waybell.routing.step import Step

VARIABLE = "WAYBELL_NEXT"
_ARGUMENTS = 4
# Asterisk substitutes variables into buffers of 4096 bytes; a longer answer would be cut without a word.
_LONGEST = 3500
_LONGEST_CHARACTER = 4
_FOREIGN = re.compile(r"[,\"'\\${}()\[\];\x00-\x1f\x7f]")


class AnswerError(ValueError):
    """A step that cannot be said to the dialplan: too long, or an argument holds what it would take for syntax."""


def answer(step: Step) -> str:
    """The value of ``WAYBELL_NEXT`` for ``step``. Raises :class:`AnswerError`."""
    if _FOREIGN.search(" ".join(step.args)):
        wrong = next(argument for argument in step.args if _FOREIGN.search(argument))
        raise AnswerError(f"node {step.state.node}: {wrong[:80]!r} cannot be an argument of {step.verb}")
    arguments = ",".join((step.verb, *step.args)) + "," * (_ARGUMENTS - len(step.args))
    note, more = notes.encode(step.note)
    text = f"{states.encode(step.state)},{arguments},{note},{more}"
    if _too_long(text):
        text = f"{states.encode(_shortened(step))},{arguments},{note},{more}"
    if not _too_long(text):
        return text
    raise AnswerError(f"node {step.state.node}: the answer is over {_LONGEST} bytes: are the CRM's codes so long?")


def _too_long(text: str) -> bool:
    return len(text) > _LONGEST // _LONGEST_CHARACTER and len(text.encode("utf-8", "replace")) > _LONGEST


def _shortened(step: Step) -> State:
    """Without what no later step needs for ringing anybody. A menu's choices are what its keys mean: they stay, and
    :mod:`waybell.routing.menu` offers no more than there is room for.
    """
    chosen = replace(step.state.chosen, courier_name="", manager_name="")
    return replace(step.state, name="", chosen=chosen, choices=step.state.choices if step.verb == "menu" else ())
