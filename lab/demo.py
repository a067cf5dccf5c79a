"""``./run demo``: real calls through a real Asterisk, told as they happen.

``--once`` ends after the calls; the exit code is 0 only if each went where it should.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from sqlalchemy.ext.asyncio import AsyncEngine

from lab.asterisk import AsteriskFailedError
from lab.demo_scenes import SCENES, Scene, Taken
from lab.phone import BUSY, Answer
from lab.rootfs import RootfsError
from lab.stack import Stack, running_stack
from lab.watch import until_file
from lab.waybell_process import WaybellFailedError
from waybell.calls.journal import list_calls
from waybell.calls.present import call_details, who
from waybell.calls.values import Call
from waybell.notes import Note, decode
from waybell.people.demo import COMPANY_NUMBER
from waybell.prompts import PromptsError, make_prompts
from waybell.store.engine import make_engine

_TALK_SECONDS = 0.6


async def demo(*, once: bool) -> int:
    """Starts everything, makes the calls; 0 when each reached whom it should."""
    console = Console(highlight=False)
    directory = Path(tempfile.mkdtemp(prefix="waybell-demo-"))
    console.print("starting a real Asterisk and Waybell …")
    try:
        async with running_stack(directory, only="agi,journal,ari,web") as stack:
            make_prompts(stack.pbx.sounds_dir, ("ru", "en"))
            failed = [scene for played, scene in enumerate(SCENES) if not await _play(stack, scene, played, console)]
            if once or failed:
                console.print(f"{len(SCENES) - len(failed)} of {len(SCENES)} calls went where they should")
                return 1 if failed else 0
            await _leave_running(stack, console)
            return 0
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _play(stack: Stack, scene: Scene, played: int, console: Console) -> bool:
    console.rule(escape(scene.title))
    _set_phones(stack, scene)
    before = len(_notes(stack.pbx.cel_path.read_text("utf-8", "replace") if stack.pbx.cel_path.exists() else ""))
    try:
        taken = await _call(stack, scene, console, before)
    except TimeoutError as error:
        console.print(f"[red]it did not get there:[/red] {escape(str(error)[:300])}")
        return False
    call = await _journal_entry(stack, played)
    console.print(call_details(call))
    right = taken == scene.expected and (call.answered_by is not None and call.answered_by.number == taken.number)
    console.print("[green]as it should be[/green]" if right else f"[red]expected {scene.expected}, got {taken}[/red]")
    return right


def _set_phones(stack: Stack, scene: Scene) -> None:
    for phone in (stack.provider, stack.office):
        phone.calls.clear()
        phone.default = Answer(after=0.3)
        phone.behaviours = dict.fromkeys(scene.busy, BUSY)


async def _call(stack: Stack, scene: Scene, console: Console, before: int) -> Taken:
    console.print(f"{scene.caller} rings {COMPANY_NUMBER} …")
    call = await stack.provider.call(COMPANY_NUMBER, scene.caller)
    note = await _note(stack, before)
    console.print(f"  recognised: {escape(who(note.kind, note.id, note.name, note.client)) or 'nobody'}")
    console.print(f"  decided:    {escape(note.why)}")
    if scene.key:
        await call.answered()
        console.print(f"  presses {scene.key}")
        await call.send_dtmf(scene.key)
        note = await _note(stack, before + 1)
        console.print(f"  decided:    {escape(note.why)}")
    if note.to and {target.number for target in note.to} <= set(scene.busy):
        note = await _note(stack, before + 1)
        console.print(f"  busy, then: {escape(note.why)}")
    phone = stack.provider if scene.expected.outside else stack.office
    taker = await phone.called(scene.expected.number)
    console.print(f"  rings:      {taker.user}, whose display shows {escape(taker.caller)}")
    await taker.answered()
    console.print("  they talk")
    await asyncio.sleep(_TALK_SECONDS)
    await call.hangup()
    return Taken(taker.user, outside=phone is stack.provider)


async def _note(stack: Stack, index: int) -> Note:
    def look(text: str) -> Note | None:
        notes = _notes(text)
        return notes[index] if len(notes) > index else None

    return await until_file(stack.pbx.cel_path, look)


def _notes(text: str) -> list[Note]:
    """The notes of a log that nothing hostile writes to: this one is the demo's own."""
    parts = (line.partition('"WAYBELL,')[2].partition('"')[0] for line in text.splitlines())
    return [note for note in map(decode, filter(None, parts)) if note is not None]


async def _journal_entry(stack: Stack, played: int) -> Call:
    engine = make_engine(f"sqlite+aiosqlite:///{stack.waybell.directory}/waybell.db")
    try:
        async with asyncio.timeout(10):
            while not (call := await _finished(engine, played)):  # noqa: ASYNC110 - a table tells nobody
                await asyncio.sleep(0.1)
        return call
    finally:
        await engine.dispose()


async def _finished(engine: AsyncEngine, played: int) -> Call | None:
    """The call after the first ``played`` ones, once it is over."""
    calls = (await list_calls(engine)).calls
    return calls[0] if len(calls) > played and calls[0].status != "in_progress" else None


async def _leave_running(stack: Stack, console: Console) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    console.print(f"\nlook around: .venv/bin/waybell journal list --config {stack.waybell.config}", soft_wrap=True)
    console.print(f"Ctrl-C ends it. Waybell answers at http://{stack.web_listen}/", soft_wrap=True)
    await stopping.wait()


def main() -> None:
    """The command line: ``python -m lab.demo [--once]``."""
    unknown = [argument for argument in sys.argv[1:] if argument != "--once"]
    if unknown:
        sys.exit(f"demo: {unknown[0]!r} is not known; allowed: --once")
    try:
        sys.exit(asyncio.run(demo(once="--once" in sys.argv[1:])))
    except (AsteriskFailedError, WaybellFailedError, RootfsError, PromptsError, OSError) as error:
        sys.exit(f"demo: {one_line(error)}")


def one_line(error: Exception) -> str:
    """What failed and what to do, with the last line of the log that came with it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [repr(error)]
    return " ".join(dict.fromkeys((lines[0], lines[-1])))


if __name__ == "__main__":
    main()
