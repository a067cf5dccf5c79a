"""What an ``Originate`` asks for: two phones to be joined, and nothing else."""

from __future__ import annotations

import re

from ami_app.messages import Action
from ami_app.users import NUMBER, AmiUser
from waybell.callbacks.values import ByPhones

_MEANT = frozenset(("channel", "exten", "context", "priority"))
# What clients send along and is not theirs to say here: how long a phone rings and what it shows are our settings,
# and every call is placed without waiting for its end.
_PASSED_OVER = frozenset(("waittime", "timeout", "callerid", "async", "earlymedia"))
_NUMBER = re.compile(NUMBER)


class NotAllowedError(Exception):
    """An ``Originate`` that the user's settings do not allow; the text names the header."""


def wish(action: Action, user: AmiUser) -> ByPhones:
    """The two phones of an ``Originate`` of ``user``'s, as written. Raises :class:`NotAllowedError`.

    A header that could choose anything else (``Application``, ``Data``, ``Variable``, …), or that nobody knows, is
    refused rather than passed over: who sends it counts on its effect.
    """
    for name, _ in action.headers:
        if name.lower() not in _MEANT and name.lower() not in _PASSED_OVER:
            raise NotAllowedError(f"Header {name} is not allowed in an Originate")
    caller = user.number_in(action.value("channel"))
    if caller is None:
        raise NotAllowedError("Header Channel is not the channel agreed for this user with a number in it")
    to = action.value("exten")
    if not _NUMBER.fullmatch(to):
        raise NotAllowedError("Header Exten is not a number of up to 20 digits")
    if action.value("context") not in user.contexts:
        raise NotAllowedError("Header Context is not one agreed for this user")
    if action.value("priority") not in ("", "1"):
        raise NotAllowedError("Header Priority is not 1")
    return ByPhones(caller, to, user.is_workplace)
