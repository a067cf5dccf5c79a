"""The laboratory in a chroot whose / is no mount point, where no private mount namespace can be had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.asterisk import Asterisk
from lab.pbx_config import PROJECT
from lab.phone import Answer, Phone

pytestmark = pytest.mark.pbx

REFUSAL = "unshare: cannot change root filesystem propagation: Invalid argument"


@pytest.fixture
def no_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ``unshare`` that refuses as the real one does there."""
    program = tmp_path / "bin" / "unshare"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "{REFUSAL}" >&2\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


async def test_asterisk_takes_calls_without_the_mounts(rootfs: Path, no_namespace: None) -> None:
    async with Asterisk(rootfs, dialplan_globals={"WAYBELL_AGI": "agi://127.0.0.1:1"}) as pbx:
        office = Phone(pbx.phones_address, pbx.sip_address, Answer(talk=0))
        async with office, Phone(pbx.trunk_address, pbx.sip_address) as caller:
            call = await caller.call("74951234567", "79161234567")
            await call.answered()
            assert (await call.ended()).status == 200
        assert [taken.user for taken in office.calls] == ["500"]
        await pbx.kill9()


def test_a_demo_that_cannot_have_an_asterisk_says_why_and_what_to_do_on_one_line(
    tmp_path: Path, no_namespace: None
) -> None:
    for folder in ("usr/sbin", "usr/share/asterisk", "etc", "tmp"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    (tmp_path / "root/usr/sbin/asterisk").touch()
    (tmp_path / "root/etc/passwd").touch()
    done = subprocess.run(
        [sys.executable, "-m", "lab.demo", "--once"],
        cwd=PROJECT,
        env={**os.environ, "WAYBELL_ROOTFS": str(tmp_path / "root"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    [line] = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith(f"demo: Asterisk in {tmp_path}/root ended; ")
    assert "mount --bind" in line
    assert REFUSAL in line
