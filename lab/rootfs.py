"""The root file system with a real Asterisk 22, made once per machine from Debian sid and kept outside the checkout.

Debian's stable releases have no ``asterisk`` package. Only the standard library is used here: ``./run`` calls this
before anything else works. ``python -m lab.rootfs`` prints the path; what it does meanwhile goes to stderr.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUITE = "sid"
PACKAGES = (
    "asterisk",
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-ru-wav",
    "odbc-mariadb",
    "unixodbc",
)
# Older ones have the ARI advisories of June 2026.
MINIMUM = (22, 10, 1)

_APT_OPTIONS = (
    # A mirror or cache that lags a week behind sid still serves packages that are signed.
    'Acquire::Check-Valid-Until "false"',
    'APT::Install-Recommends "false"',
)
_RECIPE_VERSION = 1
_BUILD_SECONDS = 1800
_HINTS = (
    (r"NO_PUBKEY|not signed|no public key", "install a current debian-archive-keyring package"),
    (r"Unable to locate package|no installation candidate", "Debian sid has renamed it: see PACKAGES in lab/rootfs.py"),
    (
        r"Could not resolve|Failed to fetch|Could not connect|Connection",
        "check that this machine reaches a Debian mirror (http_proxy is used)",
    ),
    (r"No space left", "free some disk space: it takes about 500 MB; WAYBELL_CACHE names another place"),
)


class RootfsError(Exception):
    """The root file system cannot be had; the text says why and what to do."""


def rootfs_path() -> Path:
    """The folder with Asterisk's root file system; made first where it is missing (about half a minute).

    ``$WAYBELL_ROOTFS`` names another one; where ``$WAYBELL_ASTERISK`` names a program of this machine, it is ``/``.
    Raises :class:`RootfsError`.
    """
    if os.environ.get("WAYBELL_ASTERISK"):
        return Path("/")
    if own := os.environ.get("WAYBELL_ROOTFS"):
        return _checked_override(Path(own))
    path = cache_dir() / _name()
    if not path.is_dir():
        with _one_builder(path.parent):
            if not path.is_dir():
                _build(path)
    return path


def cache_dir() -> Path:
    """``$WAYBELL_CACHE``, else ``/var/cache/waybell`` for root and ``~/.cache/waybell`` for everybody else."""
    if chosen := os.environ.get("WAYBELL_CACHE"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/waybell")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "waybell"


def asterisk_version(rootfs: Path) -> tuple[int, ...]:
    """What ``asterisk -V`` says there, as ``(22, 10, 1)``. Raises :class:`RootfsError`."""
    try:
        done = subprocess.run(
            ["chroot", str(rootfs), "asterisk", "-V"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RootfsError(f"asterisk -V could not be run in {rootfs}: {error}") from error
    found = re.search(r"^Asterisk (?:certified-)?(\d+(?:\.\d+)*)", done.stdout)
    if done.returncode != 0 or not found:
        raise RootfsError(f"asterisk -V failed in {rootfs}: {(done.stderr or done.stdout).strip()}")
    return tuple(int(part) for part in found[1].split("."))


def _checked_override(path: Path) -> Path:
    if not (path / "usr/sbin/asterisk").exists():
        raise RootfsError(f"WAYBELL_ROOTFS is {path}, which has no usr/sbin/asterisk; unset it to have one made")
    return path.absolute()


def _name() -> str:
    recipe = [_RECIPE_VERSION, SUITE, PACKAGES, _APT_OPTIONS, os.uname().machine]
    return "asterisk-" + hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:12]


@contextmanager
def _one_builder(cache: Path) -> Iterator[None]:
    """Holds the cache's lock; the kernel frees it should the process die."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / ".lock").open("w")
    except OSError as error:
        raise RootfsError(f"{cache} cannot be written: {error}; WAYBELL_CACHE names another place") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another process that fills {cache}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(path: Path) -> None:
    """Makes ``path``: beside it under another name first, so that nobody ever sees half of it."""
    if os.geteuid() != 0:
        raise RootfsError("a root file system is made by root: use ./run, which also knows ways without root")
    if shutil.which("mmdebstrap") is None:
        raise RootfsError("mmdebstrap is missing: apt-get install mmdebstrap, or ./run setup as root")
    began = time.monotonic()
    _say(f"Making Asterisk's root file system from Debian {SUITE} in {path} (about half a minute, 400 MB) ...")
    for abandoned in path.parent.glob(".making-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=path.parent) as scratch:
        made = Path(scratch) / "root"
        _run(_mmdebstrap(made))
        made.chmod(0o755)
        version = asterisk_version(made)
        if version < MINIMUM:
            raise RootfsError(
                f"Debian {SUITE} gave Asterisk {_dotted(version)}, but {_dotted(MINIMUM)} or newer is needed; "
                "check which mirror and snapshot apt uses"
            )
        made.rename(path)
    _say(f"    done in {time.monotonic() - began:.0f} s: Asterisk {_dotted(version)}")


def _mmdebstrap(target: Path) -> list[str]:
    apt = [f"--aptopt={option}" for option in _APT_OPTIONS]
    return ["mmdebstrap", "--variant=minbase", *apt, f"--include={','.join(PACKAGES)}", SUITE, str(target)]


def _run(command: list[str]) -> None:
    """Runs it with its stage lines (``I: …``) passed on; an error carries the last lines and what to do."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        deadline = threading.Timer(_BUILD_SECONDS, process.terminate)
        deadline.start()
        try:
            lines = [_passed_on(line.rstrip()) for line in process.stdout or ()]
        finally:
            deadline.cancel()
    if process.returncode != 0:
        raise RootfsError(_failure(command[0], process.returncode, lines))


def _passed_on(line: str) -> str:
    if line.startswith("I: "):
        _say(f"    {line[3:]}")
    return line


def _failure(program: str, code: int, lines: list[str]) -> str:
    text = "\n".join(lines)
    hints = [hint for pattern, hint in _HINTS if re.search(pattern, text)]
    shown = "\n    | ".join(lines[-15:])
    return f"{program} failed (exit {code}):\n    | {shown}\nWhat to do: {hints[0] if hints else 'see the lines above'}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """``python -m lab.rootfs``: exit code 1 and one explanation when there is no Asterisk to be had."""
    try:
        print(rootfs_path())
    except RootfsError as error:
        _say(f"lab.rootfs: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
