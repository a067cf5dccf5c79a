"""What belongs to one Asterisk instance alone: its ports and its directory inside the root file system."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lab.pbx_config import PbxSettings, extension_sections, render

Address = tuple[str, int]

# Below the range that the kernel hands out for port 0, so nobody gets one of ours by chance.
_FIRST_PORT, _LAST_PORT, _PORTS = 20000, 32500, 512
# Besides the folders (digits, letters, …): what Asterisk plays by itself at a transfer, and a word to test with.
_USEFUL_SOUNDS = ("beep", "pbx-", "hello-world")
_FOLDERS = ("etc", "data/sounds")
_LOGS = ("log/cel-custom", "log/cdr-csv", "log/cdr-custom")
_WRITABLE = ("state", "state/keys", "spool", "spool/monitor", "run", "log", *_LOGS)


@dataclass(frozen=True, slots=True)
class PortBlock:
    """512 consecutive ports, ours as long as ``guard`` stays bound."""

    first: int
    guard: socket.socket

    @classmethod
    def reserve(cls) -> PortBlock:
        """The first free block. Raises ``OSError`` when all 24 are in use."""
        for first in range(_FIRST_PORT, _LAST_PORT - _PORTS, _PORTS):
            guard = socket.socket()
            try:
                guard.bind(("127.0.0.1", first))
            except OSError:
                guard.close()
            else:
                return cls(first, guard)
        raise OSError(f"no free block of {_PORTS} ports in {_FIRST_PORT}-{_LAST_PORT}; stop another laboratory")


@dataclass(frozen=True, slots=True)
class OwnConfiguration:
    """What one instance wants different: see :class:`lab.asterisk.Asterisk`."""

    extensions: tuple[str, ...]
    dialplan_globals: Mapping[str, str]
    extra_files: Mapping[str, str]
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Home:
    """An instance's directory as seen from outside, the values its configuration was made with, and the user and group
    that Asterisk is to run as (``None``: ours)."""

    directory: Path
    settings: PbxSettings
    owner: tuple[int, int] | None


@contextmanager
def make_home(rootfs: Path, own: OwnConfiguration) -> Iterator[Home]:
    """Ports and a ready directory under ``rootfs``; both are given back at the end."""
    block = PortBlock.reserve()
    directory = Path(tempfile.mkdtemp(prefix="waybell-", dir=rootfs / "tmp"))
    try:
        settings = replace(_settings(f"/{directory.relative_to(rootfs)}", block.first), **own.settings)
        _write_configuration(directory, settings, own)
        _link_data(rootfs, directory / "data")
        if rootfs != Path("/"):
            _write_hosts(rootfs / "etc" / "hosts")
        yield Home(directory, settings, _give_to_asterisk(rootfs, directory))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        block.guard.close()


def _settings(inside: str, first_port: int) -> PbxSettings:
    return replace(
        PbxSettings(**{name: f"{inside}/{name}" for name in ("etc", "state", "data", "spool", "run", "log")}),
        sip_port=str(first_port + 2),
        trunk_port=str(first_port + 3),
        phones_port=str(first_port + 4),
        http_port=str(first_port + 5),
        rtp_start=str(first_port + 16),
        rtp_end=str(first_port + _PORTS - 1),
    )


def _write_configuration(directory: Path, settings: PbxSettings, own: OwnConfiguration) -> None:
    for folder in (*_FOLDERS, *_WRITABLE):
        (directory / folder).mkdir(parents=True)
    files = {
        "pjsip_custom.conf": extension_sections(own.extensions, settings),
        "globals_custom.conf": "".join(f"{name} = {value}\n" for name, value in own.dialplan_globals.items()),
    }
    for name, content in render(settings, files | dict(own.extra_files)).items():
        (directory / "etc" / name).write_text(content, encoding="utf-8")


def _link_data(rootfs: Path, data: Path) -> None:
    """A data directory whose sounds can be added to. It links to the package's, but not to all 700: that takes longer
    than Asterisk itself takes to start."""
    package = rootfs / "usr/share/asterisk"
    for entry in package.iterdir():
        if entry.name != "sounds":
            (data / entry.name).symlink_to(f"/usr/share/asterisk/{entry.name}")
    for language in ("en", "ru"):
        folder = data / "sounds" / language
        folder.mkdir()
        for voice in sorted((package / "sounds").glob(f"{language}_*_*_*"))[:1]:
            for sound in voice.iterdir():
                if sound.is_dir() or sound.name.startswith(_USEFUL_SOUNDS):
                    (folder / sound.name).symlink_to(f"/usr/share/asterisk/sounds/{voice.name}/{sound.name}")


def _give_to_asterisk(rootfs: Path, directory: Path) -> tuple[int, int] | None:
    accounts = (line.split(":") for line in (rootfs / "etc/passwd").read_text().splitlines())
    owner = next(((int(row[2]), int(row[3])) for row in accounts if row[0] == "asterisk"), None)
    if owner is None or os.geteuid() != 0:
        return None
    for path in (directory, *(directory / folder for folder in _WRITABLE)):
        os.chown(path, *owner)
    return owner


def _write_hosts(hosts: Path) -> None:
    """Asterisk looks its own host name up for every call; without this line it waits for DNS."""
    name = socket.gethostname()
    if hosts.exists() and name in hosts.read_text().split():
        return
    with tempfile.NamedTemporaryFile("w", dir=hosts.parent, delete=False) as new:
        new.write(f"127.0.0.1 localhost {name}\n")
    Path(new.name).chmod(0o644)
    Path(new.name).replace(hosts)
