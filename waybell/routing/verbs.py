"""A step as the dialplan reads it: ``<state>,<verb>,<arg>,<arg>,<arg>,<arg>,<note>,<more>``, one line without quotes.

``dialplan/waybell.conf`` splits it with ``ARRAY``; the verbs and what each argument is stand there.
"""

from __future__ import annotations

import re
from dataclasses import replace

from waybell import notes
from waybell.notes import Note
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
    node, rest = step.state.node, _rest(step.state.node, step.verb, step.args, step.note)
    text = f"{states.encode(step.state)},{rest}"
    return _short_enough(node, f"{states.encode(_shortened(step))},{rest}" if _too_long(text) else text)


def say(state: str, verb: str, args: tuple[str, ...], note: Note) -> str:
    """The same for a ``state`` that is one word already. Raises :class:`AnswerError`."""
    return _short_enough(note.step, f"{state},{_rest(note.step, verb, args, note)}")


def _rest(node: str, verb: str, args: tuple[str, ...], note: Note) -> str:
    if _FOREIGN.search(" ".join(args)):
        wrong = next(argument for argument in args if _FOREIGN.search(argument))
        raise AnswerError(f"node {node}: {wrong[:80]!r} cannot be an argument of {verb}")
    first, second = notes.encode(note)
    return ",".join((verb, *args)) + "," * (_ARGUMENTS - len(args)) + f",{first},{second}"


def _short_enough(node: str, text: str) -> str:
    if _too_long(text):
        raise AnswerError(f"node {node}: the answer is over {_LONGEST} bytes: are the CRM's codes so long?")
    return text


def _too_long(text: str) -> bool:
    return len(text) > _LONGEST // _LONGEST_CHARACTER and len(text.encode("utf-8", "replace")) > _LONGEST


def _shortened(step: Step) -> State:
    """Without what no later step needs for ringing anybody. A menu's choices are what its keys mean: they stay, and
    :mod:`waybell.routing.menu` offers no more than there is room for.
    """
    chosen = replace(step.state.chosen, courier_name="", manager_name="")
    return replace(step.state, name="", chosen=chosen, choices=step.state.choices if step.verb == "menu" else ())
