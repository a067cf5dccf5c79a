"""Records FastAGI traffic of a real Asterisk into ``recorded/*.txt``; run by hand when Asterisk changes.

``python -m tests.loopback.agi.record ROOTFS`` (as root): ROOTFS is a root file system with Asterisk in it. It is
entered with chroot in a mount namespace of its own; only a temporary folder below its ``/tmp`` is written.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agi_app import commands
from tests.loopback.agi.transcript import Direction, Piece, write

HERE = Path(__file__).parent
QUIET_SECONDS = 0.4

ASTERISK = """[directories]
astetcdir => {etc}
astmoddir => /usr/lib/x86_64-linux-gnu/asterisk/modules
astvarlibdir => {etc}/db
astdbdir => {etc}/db
astkeydir => {etc}/db
astdatadir => /usr/share/asterisk
astagidir => {etc}/db
astspooldir => {etc}/spool
astrundir => {etc}/run
astlogdir => {etc}/log
[options]
live_dangerously = no
"""
MODULES = "[modules]\nautoload=no\n" + "".join(
    f"load => {name}.so\n"
    for name in (
        "pbx_config",
        "res_speech",
        "res_agi",
        "res_clioriginate",
        "res_timing_timerfd",
        "func_callerid",
        "func_channel",
        "func_uri",
        "app_stack",
        "app_verbose",
        "format_wav",
        "bridge_simple",
    )
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One recorded session: what the dialplan does before ``AGI()`` and what the server sends, in order.

    ``commands`` are raw lines; ``None`` waits for bytes that come unasked. ``holds`` is how long the other end of
    the call stays up, in seconds.
    """

    name: str
    about: str
    commands: tuple[bytes | None, ...]
    setup: tuple[str, ...] = ()
    address: str = "step,s0,RESULT"
    holds: float = 30
    dead: bool = False


def _set(name: str, value: str) -> bytes:
    return commands.set_variable(name, value).line


def _get(name: str) -> bytes:
    return commands.get_variable(name).line


NEXT = _set("WAYBELL_NEXT", "s1,dial,79010000011")
ODD_VALUES = {
    "PAREN": "PJSIP/1 (Ivan) ) (",
    "EQUALS": "result=-1 endpos=5",
    "LIKEMEDIA": "x) endpos=5",
    "HANGUP": "hangup",
    "QUOTES": 'a "b" \\ c\\\\',
    "RUSSIAN": "Иван Ёлкин",
    "CP1251": "Иван".encode("cp1251").decode("utf-8", "surrogateescape"),
    "EMPTY": "",
    "SPACES": "  two  ",
    "EMOJI": "📦 №10",
}
LINES = (
    "Set(LINES=${URIDECODE(one%0atwo=2%0a%0a(three))})",
    "Set(HANGUPLINE=${URIDECODE(one%0aHANGUP%0atwo)})",
    "Set(CRLF=${URIDECODE(one%0d%0atwo%0d)})",
)
SCENARIOS = (
    Scenario("step", "one step: a request, one SET VARIABLE, its reply; we close", (NEXT,)),
    Scenario("route_with_query", "no arguments, a query string in the route", (NEXT,), address="step?pbx=1&v=2"),
    Scenario("empty_arguments", "empty arguments in the middle and at the end", (NEXT,), address="step,,a,,"),
    Scenario("no_script", "a route without a path", (NEXT,), address=""),
    Scenario(
        "hangup_idle", "the caller hangs up while we think; the variable is set all the same", (None, NEXT), holds=1
    ),
    Scenario("hangup_before_reply", "the caller hangs up inside a command", (b'EXEC "Wait" "10"\n', NEXT), holds=1),
    Scenario(
        "exit_on_hangup",
        "AGIEXITONHANGUP=yes: Asterisk leaves by itself",
        (b'EXEC "Wait" "10"\n',),
        ("Set(AGIEXITONHANGUP=yes)",),
        holds=1,
    ),
    Scenario("dead_channel", "AGI() in the h extension", (b"ANSWER\n", NEXT), dead=True),
    Scenario(
        "errors",
        "unknown command, bad syntax with its usage, a good one after them",
        (b"FLY\n", b"SET VARIABLE ONE\n", b"SAY DIGITS\n", b"NOOP\n"),
    ),
    Scenario(
        "odd_values",
        "values with brackets, equal signs, quotes, other encodings: set and read back",
        (*(line for name, value in ODD_VALUES.items() for line in (_set(name, value), _get(name))), _get("UNSET")),
    ),
    Scenario("values_with_lines", "values with line feeds", (_get("LINES"), _get("CRLF"), _get("HANGUPLINE")), LINES),
    Scenario(
        "results",
        "results that are no hang-up, media replies, 100 Trying",
        (
            b'EXEC "NoSuchApp" ""\n',
            b'STREAM FILE "no-such-file" ""\n',
            b'GET DATA "no-such-file" "100" "1"\n',
            b'CHANNEL STATUS "No/such"\n',
            b"CHANNEL STATUS\n",
            b'RECORD FILE "rec" "wav" "#" "100"\n',
            b'DATABASE GET "none" "such"\n',
            b'GOSUB "subs" "s" "1"\n',
            b'GOSUB "none" "s" "1"\n',
            b"WAIT FOR DIGIT 100\n",
        ),
    ),
    Scenario(
        "caller_utf8",
        "a caller's name in UTF-8",
        (NEXT,),
        ("Set(CALLERID(name)=Иван 📦)", "Set(CALLERID(num)=79161234567)"),
    ),
    Scenario(
        "caller_cp1251", "a caller's name in cp1251", (NEXT,), ("Set(CALLERID(name)=${URIDECODE(%c8%e2%e0%ed)})",)
    ),
    Scenario(
        "caller_forges_a_variable",
        "a line feed in the caller's number adds a line",
        (),
        ("Set(CALLERID(num)=${URIDECODE(7%0aagi_arg_1: owned)})",),
    ),
    Scenario(
        "caller_ends_the_environment",
        "two line feeds in the caller's number end the environment early",
        (NEXT,),
        ("Set(CALLERID(num)=${URIDECODE(7%0a%0a200 result=1)})",),
    ),
    Scenario(
        "most_arguments",
        "127 words are taken, and a line of 8190 bytes",
        (
            commands.command("NOOP", *["x"] * 126).line,
            _set("LONG", "x" * (commands.LONGEST_LINE - len(_set("LONG", "")) + 1)),
            _get("LONG"),
            commands.command("GET FULL VARIABLE", "${LONG}").line,
            _set("LONG", "short"),
            _get("LONG"),
        ),
    ),
    Scenario(
        "line_too_long", "over 8191 bytes: the tail runs as a new command", (b"NOOP " + b"x" * 8186 + b"NOOP tail\n",)
    ),
    Scenario("half_close", "HANGUP also comes at a normal end", (NEXT, b"")),
)


def extensions(port: int) -> str:
    """The dialplan: one context per scenario."""
    out = ["[agent]\nexten => _X.,1,Answer()\n same => n,Wait(${EXTEN:1})\n[subs]\nexten => s,1,Return(a (b) c)\n"]
    for scenario in SCENARIOS:
        agi = f"AGI(agi://127.0.0.1:{port}{'/' if scenario.address else ''}{scenario.address})"
        first = "exten => s,1,Hangup()\nexten => h,1,NoOp()" if scenario.dead else "exten => s,1,NoOp()"
        out += [f"[{scenario.name}]\n{first}\n", *(f" same => n,{line}\n" for line in (*scenario.setup, agi)), "\n"]
    return "".join(out)


@contextlib.contextmanager
def asterisk(root: Path, port: int) -> Iterator[Callable[[str], object]]:
    """A running Asterisk; yields the function that runs one console command in it."""
    home = Path(tempfile.mkdtemp(prefix="agi-record-", dir=root / "tmp"))
    inside = "/" + str(home.relative_to(root))
    for name in ("db", "spool", "run", "log"):
        (home / name).mkdir()
    (home / "asterisk.conf").write_text(ASTERISK.format(etc=inside))
    (home / "modules.conf").write_text(MODULES)
    (home / "extensions.conf").write_text(extensions(port))
    program = ["chroot", str(root), "/usr/sbin/asterisk", "-C", f"{inside}/asterisk.conf"]
    mounts = f"mount -t proc proc {root}/proc; mount --rbind /dev {root}/dev; exec "
    daemon = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", mounts + " ".join([*program, "-f"])], stdout=subprocess.DEVNULL
    )

    def console(line: str) -> object:
        return subprocess.run([*program, "-rx", line], check=False, capture_output=True)

    try:
        while subprocess.run([*program, "-rx", "core waitfullybooted"], check=False, capture_output=True).returncode:
            time.sleep(0.2)
        yield console
    finally:
        console("core stop now")
        daemon.wait(20)
        shutil.rmtree(home)


def listen_until_quiet(peer: socket.socket, seconds: float) -> bytes | None:
    """What comes until nothing came for ``seconds``; ``None`` at the end of the stream."""
    peer.settimeout(seconds)
    got = b""
    with contextlib.suppress(TimeoutError):
        while chunk := peer.recv(65536):
            got += chunk
            peer.settimeout(QUIET_SECONDS)
        return got or None
    return got


def record(scenario: Scenario, peer: socket.socket) -> list[Piece]:
    """Plays the server's side of ``scenario`` and keeps every byte of both."""
    pieces = [Piece(Direction.ASTERISK, listen_until_quiet(peer, QUIET_SECONDS) or b"")]
    for line in scenario.commands:
        if line:
            peer.sendall(line)
            pieces.append(Piece(Direction.SERVER, line))
        elif line == b"":
            peer.shutdown(socket.SHUT_WR)
            pieces.append(Piece(Direction.SERVER_CLOSES, b""))
        got = listen_until_quiet(peer, 5)
        if got:
            pieces.append(Piece(Direction.ASTERISK, got))
    peer.settimeout(QUIET_SECONDS)
    with contextlib.suppress(TimeoutError):
        if not peer.recv(1):
            pieces.append(Piece(Direction.ASTERISK_CLOSES, b""))
    peer.close()
    return pieces


def main(root: Path) -> None:
    """Records every scenario."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        with asterisk(root, server.getsockname()[1]) as console:
            for scenario in SCENARIOS:
                console(f"channel originate Local/1{scenario.holds:g}@agent extension s@{scenario.name}")
                pieces = record(scenario, server.accept()[0])
                write(HERE / "recorded" / f"{scenario.name}.txt", scenario.about, pieces)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
