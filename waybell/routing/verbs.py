"""A step as the dialplan reads it: ``<state>,<verb>,<arg>,<arg>,<arg>,<arg>,<note>``, one line without quotes.

``dialplan/waybell.conf`` splits it with ``ARRAY``; the verbs and what each argument is stand there.
"""

from __future__ import annotations

import re
from dataclasses import replace

from waybell import notes
from waybell.notes import Note, Target
from waybell.routing import state
from waybell.routing.step import Step

VARIABLE = "WAYBELL_NEXT"
_ARGUMENTS = 4
# Asterisk substitutes variables into buffers of 4096 bytes; a longer answer would be cut without a word.
_LONGEST = 3500
_FOREIGN = re.compile(r"[,\"'\\${}()\[\];\x00-\x1f\x7f]")


class AnswerError(ValueError):
    """A step that cannot be said to the dialplan: too long, or an argument holds what it would take for syntax."""


def answer(step: Step) -> str:
    """The value of ``WAYBELL_NEXT`` for ``step``. Raises :class:`AnswerError`."""
    for argument in step.args:
        if _FOREIGN.search(argument):
            raise AnswerError(f"node {step.state.node}: {argument[:80]!r} cannot be an argument of {step.verb}")
    text = _line(step, step.note)
    if len(text.encode("utf-8", "replace")) > _LONGEST:
        text = _line(step, _shortened(step.note))
    if len(text.encode("utf-8", "replace")) > _LONGEST:
        raise AnswerError(f"node {step.state.node}: the answer is over {_LONGEST} bytes: too many phones at once?")
    return text


def _line(step: Step, note: Note) -> str:
    arguments = (*step.args, *("",) * (_ARGUMENTS - len(step.args)))
    return ",".join((state.encode(step.state), step.verb, *arguments, notes.encode(note)))


def _shortened(note: Note) -> Note:
    bare = tuple(Target(target.number, target.kind, target.id) for target in note.to)
    return replace(note, name="", why=note.why[:60], to=bare)
