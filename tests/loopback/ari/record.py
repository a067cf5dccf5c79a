"""Records what a real Asterisk sends over its event websocket: ``python -m tests.loopback.ari.record``."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from ari_app.access import Access
from ari_app.client import AriClient
from lab.asterisk import Asterisk
from lab.phone import BUSY, DECLINED, NO_ANSWER, NOT_FOUND, SILENCE, UNAVAILABLE, UNREACHABLE, Answer, Behaviour, Phone
from tests.loopback.ari.recording import FIRST, RECORDED
from waybell.callbacks.ports import Originate

COURIER, CUSTOMER = "79010000011", "79161234567"
DIALPLAN = """
[record]
exten => wait,1,Wait(30)
exten => hangup,1,Hangup()
exten => dial,1,Dial(PJSIP/${TO}@trunk,${SECONDS})
 same => n,Hangup(${HANGUPCAUSE})
"""
# Nothing of this machine or of anybody's is to stand in a recording.
PRIVATE = ((re.compile(r'"asterisk_id":\s*"[^"]*"'), '"asterisk_id":"00:00:00:00:00:00"'),)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call to record: what the phones do, where the first goes, and who ends it after which number of events."""

    first: Behaviour
    extension: str = "wait"
    second: Behaviour = field(default_factory=Answer)
    ring: int = 10
    second_ring: int = 10
    until: Callable[[str], bool] | None = None
    mark: str = ""


def _first_rings(text: str) -> bool:
    return '"Ringing"' in text and "ChannelStateChange" in text


def _first_is_up(text: str) -> bool:
    return '"ANSWER"' in text and '"Dial"' in text


def _second_rings(text: str) -> bool:
    raw = json.loads(text)
    return bool(raw["type"] == "Dial" and "caller" in raw and raw["dialstatus"] == "RINGING")


def _talking(text: str) -> bool:
    raw = json.loads(text)
    return bool(raw["type"] == "ChannelEnteredBridge" and raw["channel"]["id"] == FIRST)


TALK = Answer(talk=None)
SCENES = {
    "first_answers_dialplan_ends": Recorded(Answer(), "hangup"),
    "first_answers_and_hangs_up": Recorded(Answer(talk=0.3)),
    "first_rings_and_answers": Recorded(Answer(after=0.3, talk=0.3)),
    "first_busy": Recorded(BUSY),
    "first_declines": Recorded(DECLINED),
    "first_not_found": Recorded(NOT_FOUND),
    "first_unreachable": Recorded(UNREACHABLE),
    "first_unavailable": Recorded(UNAVAILABLE),
    "first_no_answer": Recorded(NO_ANSWER, ring=1),
    "first_silent": Recorded(SILENCE, ring=1),
    "first_deleted_ringing": Recorded(NO_ANSWER, until=_first_rings, mark="delete"),
    "first_deleted_up": Recorded(TALK, until=_first_is_up, mark="delete"),
    "second_answers_and_hangs_up": Recorded(TALK, "dial", Answer(after=0.3, talk=0.3)),
    "second_busy": Recorded(TALK, "dial", BUSY),
    "second_declines": Recorded(TALK, "dial", DECLINED),
    "second_not_found": Recorded(TALK, "dial", NOT_FOUND),
    "second_unreachable": Recorded(TALK, "dial", UNREACHABLE),
    "second_unavailable": Recorded(TALK, "dial", UNAVAILABLE),
    "second_no_answer": Recorded(TALK, "dial", NO_ANSWER, second_ring=1),
    "first_hangs_up_while_second_rings": Recorded(TALK, "dial", NO_ANSWER, until=_second_rings, mark="hang up"),
    "first_hangs_up_talking": Recorded(TALK, "dial", until=_talking, mark="hang up"),
    "first_deleted_while_second_rings": Recorded(TALK, "dial", NO_ANSWER, until=_second_rings, mark="delete"),
    "first_deleted_talking": Recorded(TALK, "dial", until=_talking, mark="delete"),
}


async def record(pbx: Asterisk, client: AriClient, scene: Recorded, socket: ClientConnection) -> list[str]:
    """Places one call and keeps all messages until both channels are gone."""
    async with Phone(pbx.trunk_address, pbx.sip_address) as phones:
        phones.behaviours = {COURIER: scene.first, CUSTOMER: scene.second}
        variables = {"TO": CUSTOMER, "SECONDS": str(scene.second_ring)}
        dial = f"PJSIP/{COURIER}@trunk"
        call = Originate(FIRST, dial, "record", scene.extension, "74951234567", "Waybell", scene.ring, variables)
        await client.originate(call)

        async def hang_up() -> None:
            await phones.calls[0].hangup()

        async def delete() -> None:
            await client.hangup(FIRST)

        return await _until_gone(socket, scene, {"delete": delete, "hang up": hang_up})


async def _until_gone(
    socket: ClientConnection, scene: Recorded, acts: dict[str, Callable[[], Awaitable[None]]]
) -> list[str]:
    lines: list[str] = []
    alive: set[str] = set()
    seen, until = False, scene.until
    while not seen or alive:
        text = str(await asyncio.wait_for(socket.recv(), 15))
        raw = json.loads(text)
        lines.append(json.dumps(raw, ensure_ascii=False, separators=(",", ":")))
        if raw["type"] == "ChannelCreated":
            alive.add(raw["channel"]["id"])
            seen = True
        elif raw["type"] == "ChannelDestroyed":
            alive.discard(raw["channel"]["id"])
        if until and until(text):
            until = None
            lines.append(json.dumps({"we" if scene.mark == "delete" else "they": scene.mark}))
            await acts[scene.mark]()
    return lines


def _cleaned(line: str) -> str:
    for pattern, instead in PRIVATE:
        line = pattern.sub(instead, line)
    return line


async def main(folder: Path) -> None:
    """Records every scene into ``folder``."""
    folder.mkdir(exist_ok=True)
    async with Asterisk(extra_files={"waybell.conf": DIALPLAN}) as pbx:
        access = Access(pbx.ari_url, "waybell", pbx.settings.ari_password, app="record")
        headers = {"Authorization": access.authorization}
        async with AriClient(access) as client:
            for name, scene in SCENES.items():
                async with connect(access.events_url, additional_headers=headers, proxy=None) as socket:
                    await client.subscribe()
                    lines = await record(pbx, client, scene, socket)
                (folder / f"{name}.jsonl").write_text("".join(f"{_cleaned(line)}\n" for line in lines))
                print(name, len(lines), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDED))
