"""Recordings as the HTTP API asks for them."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from waybell.calls.values import Call, recording_json
from waybell.recordings.library import Library
from waybell.recordings.listens import Listens
from waybell.recordings.sounds import Sound, UnavailableError


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recordings of one company: their sound, and who listened to it."""

    library: Library
    listens: Listens

    def sound(self, id_: str) -> AbstractAsyncContextManager[Sound]:
        """See :meth:`waybell.recordings.library.Library.sound`."""
        return self.library.sound(id_)

    async def listened(self, call_id: str, recording: str, token: str, token_name: str) -> None:
        """See :meth:`waybell.recordings.listens.Listens.note`."""
        await self.listens.note(call_id, recording, token, token_name)

    async def of(self, call: Call) -> list[dict[str, Any]]:
        """The recordings of ``call`` as its JSON has them, each looked for: ``available`` is null where that cannot be
        said just now.
        """
        looked = await asyncio.gather(*(self._look(recording.id) for recording in call.recordings))
        return [recording_json(recording) | found for recording, found in zip(call.recordings, looked, strict=True)]

    async def _look(self, id_: str) -> dict[str, Any]:
        try:
            facts = await self.library.facts(id_)
        except UnavailableError:
            return {}
        return {"available": True, "seconds": facts.seconds} if facts else {"available": False}


def ids_of(call: Call) -> list[str]:
    """What of ``call`` can be listened to: the conversation first, then what its caller said of it afterwards."""
    comment = call.feedback.comment if call.feedback else None
    return [recording.id for recording in call.recordings] + ([comment] if comment else [])
