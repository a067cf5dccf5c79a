"""A call that was refused, as a row of the journal: who wanted what, and which rule stood against it.

No phone rang, so the event log knows nothing of it: these are the only rows that are not made from there, and making
the journal anew leaves them alone.
"""

from __future__ import annotations

import secrets
import time
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from waybell.callbacks.values import ByNumber, ByParcel, ByPhones, Click, RefusedError, Wish
from waybell.calls.values import Call, Direction, Party, RouteStep, Status, micros
from waybell.calls.writer import SqlJournalStore, refused_id
from waybell.throttle import Throttled

_BURST, _PER_SECOND = 1000, 5.0


class RefusalNotes:
    """Writes them. A store that fails keeps nobody from being refused: that is logged.

    Somebody who asks all day for what is refused does not fill the store: after ``burst`` rows there are
    ``per_second`` at most, and the others are counted in the log.
    """

    def __init__(self, engine: AsyncEngine, pbx: str, *, burst: int = _BURST, per_second: float = _PER_SECOND) -> None:
        self._store, self._pbx = SqlJournalStore(engine, pbx), pbx
        self._burst, self._per_second = burst, per_second
        self._room, self._looked = float(burst), time.monotonic()
        self._log = structlog.get_logger("callbacks")
        self._held_back = Throttled(self._log)

    async def __call__(self, wish: Wish, refusal: RefusedError, at: datetime) -> None:
        """See :data:`waybell.callbacks.service.NoteRefusal`."""
        if not self._has_room():
            self._held_back.warning("refused calls come so fast that the journal leaves some out", why=refusal.type)
            return
        try:
            await self._store.save([refused_call(self._pbx, wish, refusal, at)], [], None)
        except (SQLAlchemyError, TimeoutError, OSError) as error:
            self._log.error("a refused call is missing in the journal", why=refusal.type, error=type(error).__name__)

    def _has_room(self) -> bool:
        now = time.monotonic()
        self._room = min(self._burst, self._room + (now - self._looked) * self._per_second)
        self._looked = now
        if self._room < 1:
            return False
        self._room -= 1
        return True


def refused_call(pbx: str, wish: Wish, refusal: RefusedError, at: datetime) -> Call:
    """The journal's row of it."""
    moment = micros(at.replace(tzinfo=None)) or 0
    courier, caller, to, parcel = _asked(wish)
    return Call(
        id=refused_id(pbx, secrets.token_hex(8)),
        direction=Direction.OUTBOUND if isinstance(wish, Click) else Direction.CALLBACK,
        status=Status.REJECTED,
        started_at=moment,
        answered_at=None,
        ended_at=moment,
        caller=caller,
        dialed=to or None,
        answered_by=None,
        parcel=parcel or None,
        courier=courier or None,
        client=None,
        manager=None,
        wait_seconds=0.0,
        ring_seconds=0.0,
        talk_seconds=0.0,
        legs=(),
        route=(RouteStep(moment, "rules", "refuse", refusal.detail, refusal.type, "crm"),),
    )


def _asked(wish: Wish) -> tuple[str, Party, str, str]:
    """Courier, caller, number wanted, parcel."""
    if isinstance(wish, ByParcel):
        return wish.courier, Party(kind="courier", id=wish.courier), "", wish.parcel
    if isinstance(wish, ByNumber):
        return wish.courier, Party(kind="courier", id=wish.courier), wish.to, ""
    if isinstance(wish, Click):
        return "", Party(number=wish.extension, kind="employee"), wish.to, ""
    return "", Party(number=wish.caller, kind="courier" if isinstance(wish, ByPhones) else None), wish.to, ""
