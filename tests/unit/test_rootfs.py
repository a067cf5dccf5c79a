"""The making of Asterisk's root file system, with stubs for mmdebstrap and chroot; ./run does it with the real ones."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import rootfs
from lab.rootfs import RootfsError, rootfs_path

MAKES_ONE = 'for target; do :; done\nmkdir -p "$target" && echo "I: extracting archives..." && echo made >>"$CALLS"'


class Stubs:
    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        self.program("mmdebstrap", MAKES_ONE)
        self.program("chroot", 'echo "Asterisk 22.10.1+dfsg-1"')

    def program(self, name: str, script: str) -> None:
        (self.folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / name).chmod(0o755)


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stubs:
    (tmp_path / "bin").mkdir()
    stubs = Stubs(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{stubs.folder}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(stubs.calls))
    monkeypatch.setenv("WAYBELL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("WAYBELL_ROOTFS", raising=False)
    monkeypatch.delenv("WAYBELL_ASTERISK", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return stubs


def left_over(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "cache").iterdir() if path.name != ".lock"]


def test_it_is_made_once_for_all_who_ask_at_once(stubs: Stubs, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        paths = {future.result() for future in [pool.submit(rootfs_path) for _ in range(4)]}
    assert left_over(tmp_path) == [path.name for path in paths]
    assert stubs.calls.read_text() == "made\n"


def test_what_a_killed_builder_left_is_cleared_away(stubs: Stubs, tmp_path: Path) -> None:
    (tmp_path / "cache/.making-abc/root").mkdir(parents=True)
    path = rootfs_path()
    assert left_over(tmp_path) == [path.name]


def test_another_package_list_makes_another_one(stubs: Stubs, monkeypatch: pytest.MonkeyPatch) -> None:
    first = rootfs_path()
    monkeypatch.setattr(rootfs, "PACKAGES", ("asterisk",))
    assert rootfs_path() != first


def test_an_asterisk_that_is_too_old_is_refused_and_not_kept(stubs: Stubs, tmp_path: Path) -> None:
    stubs.program("chroot", 'echo "Asterisk 22.9.3"')
    with pytest.raises(RootfsError, match=r"gave Asterisk 22\.9\.3, but 22\.10\.1 or newer"):
        rootfs_path()
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("W: GPG error: NO_PUBKEY 0E98404D386FA1D9", "debian-archive-keyring"),
        ("E: Unable to locate package asterisk-core-sounds-ru-wav", "PACKAGES"),
        ("Temporary failure: Could not resolve 'deb.example'", "reaches a Debian mirror"),
        ("tar: write error: No space left on device", "WAYBELL_CACHE"),
        ("something new", "see the lines above"),
    ],
)
def test_a_failure_shows_what_was_said_and_what_to_do(stubs: Stubs, tmp_path: Path, said: str, advice: str) -> None:
    stubs.program("mmdebstrap", f'{MAKES_ONE}\necho "{said}" >&2; exit 25')
    with pytest.raises(RootfsError, match=advice) as error:
        rootfs_path()
    assert said in str(error.value)
    assert left_over(tmp_path) == []


def test_a_mirror_that_hangs_is_given_up(stubs: Stubs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stubs.program("mmdebstrap", "exec sleep 100")
    monkeypatch.setattr(rootfs, "_BUILD_SECONDS", 0.1)
    with pytest.raises(RootfsError, match="mmdebstrap failed"):
        rootfs_path()
    assert left_over(tmp_path) == []


def test_ones_own_is_taken_as_it_is(stubs: Stubs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBELL_ROOTFS", str(tmp_path / "own"))
    with pytest.raises(RootfsError, match="has no usr/sbin/asterisk"):
        rootfs_path()
    (tmp_path / "own/usr/sbin").mkdir(parents=True)
    (tmp_path / "own/usr/sbin/asterisk").touch()
    assert rootfs_path() == tmp_path / "own"
    assert not stubs.calls.exists()


def test_the_machines_own_asterisk_needs_none(stubs: Stubs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBELL_ASTERISK", "/usr/sbin/asterisk")
    assert rootfs_path() == Path("/")
    assert not stubs.calls.exists()


def test_an_ordinary_user_is_sent_to_run(stubs: Stubs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RootfsError, match=r"use \./run"):
        rootfs_path()
