"""What a trunk needs, lest numbers leak or calls are sent elsewhere, stands everywhere an admin would look for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from waybell.cli.setup import install_command

PROJECT = Path(__file__).resolve().parents[2]
NEEDED = ["context = waybell-incoming", "send_connected_line = no", "trust_connected_line = no", "allow_transfer = no"]


@pytest.mark.parametrize("setting", NEEDED)
@pytest.mark.parametrize("place", ["README.md", "dialplan/waybell.conf"])
def test_it_is_told_in(place: str, setting: str) -> None:
    assert setting in (PROJECT / place).read_text()


def test_dialplan_install_prints_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no espeak-ng: no prompts are made
    install_command(tmp_path, tmp_path / "sounds", "en")
    printed = capsys.readouterr().out
    assert [setting for setting in NEEDED if f"     {setting}\n" in printed] == NEEDED


def test_our_own_trunk_has_it() -> None:
    text = (PROJECT / "docker" / "asterisk" / "pjsip.conf").read_text()
    trunk = re.search(r"^\[trunk\]\(media\)\n(?:[^\[\n]*\n)+", text, re.MULTILINE)
    assert trunk is not None
    assert [setting for setting in NEEDED if f"\n{setting}\n" in trunk[0]] == NEEDED
