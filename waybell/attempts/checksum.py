"""The checksum of a sheet: whoever holds a copy can have it made again and compare. Pure.

It is made of facts, not of words, so it is the same in every language and form. Numbers go in masked: else somebody who
knows all the rest could try the missing digits until the checksum fits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from waybell.attempts.masking import masked
from waybell.attempts.values import Attempt, Contact, Rules
from waybell.calls.values import Party, iso

_VERSION = 1


def checksum(parcel: str, attempts: Sequence[Attempt], contacts: Sequence[Contact], rules: Rules) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    content = [_VERSION, parcel, rules.genuine_seconds, [*map(_attempt, attempts)], [*map(_contact, contacts)]]
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _attempt(one: Attempt) -> list[Any]:
    told = (one.rang_seconds, one.talk_seconds, one.cause, one.sip_status, one.why, one.verdict, one.rule, one.source)
    return [one.id, iso(one.at), _party(one.by), masked(one.number), *told]


def _contact(one: Contact) -> list[Any]:
    return [one.id, iso(one.at), masked(one.number), one.answered, one.by and _party(one.by), one.talk_seconds]


def _party(party: Party) -> list[str | None]:
    return [party.kind, party.id, party.name, masked(party.number)]
