"""Asterisk's event log as ``waybell check`` sees it from the files alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from waybell.checks import cel, cel_log
from waybell.checks.findings import Finding, Site, Status
from waybell.resources import data_dir
from waybell.settings import Settings

RECORD = ",".join(f'"{number}"' for number in range(20))


def site(tmp_path: Path) -> Site:
    return Site(Settings(), tmp_path)


def samples(folder: Path) -> None:
    for name in ("cel.conf", "cel_custom.conf"):
        (folder / name).write_text((data_dir("dialplan") / name).read_text())


def only(findings: list[Finding], status: Status) -> Finding:
    [found] = findings
    assert found.status is status, found
    return found


class TestEventLogConfiguration:
    async def test_our_own_samples_are_right(self, tmp_path: Path) -> None:
        samples(tmp_path)
        only(await cel.check_cel(site(tmp_path), None), Status.OK)

    async def test_spaces_case_and_comments_make_no_difference(self, tmp_path: Path) -> None:
        samples(tmp_path)
        (tmp_path / "cel.conf").write_text("[general] ; ours\nENABLE => true\nevents=all\napps=AGI, dial,park,queue\n")
        only(await cel.check_cel(site(tmp_path), None), Status.OK)

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("enable = yes", "enable = no", "events are switched off"),
            ("enable = yes", ";enable = yes", "events are switched off"),
            ("CHAN_START,ANSWER,", "", "the events ANSWER, CHAN_START are not in the log"),
            ("dial,queue,park", "queue", "the applications dial, park are not in the log"),
        ],
    )
    async def test_a_setting_of_cel_conf_that_loses_events_is_named(
        self, old: str, new: str, said: str, tmp_path: Path
    ) -> None:
        samples(tmp_path)
        file = tmp_path / "cel.conf"
        file.write_text(file.read_text().replace(old, new))
        found = only(await cel.check_cel(site(tmp_path), None), Status.FAILED)
        assert said in found.message
        assert str(file) in found.message

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("Num,ani,rdnis", "Num,anni,rdnis", "at 7: anni instead of ani; "),
            (",EventExtra", "", "at 20: nothing instead of EventExtra"),
            ("EventType,eventenum", "eventenum,EventType", "at 1: eventenum instead of EventType, 2: "),
            ("format = dsv", "format = json", "format is 'json', the journal needs 'dsv'"),
            ("quoting_method = all", "", "quoting_method is 'not set'"),
            ("[waybell.csv]", "[Master.csv]", "nothing is written to waybell.csv (there is [Master.csv])"),
        ],
    )
    async def test_a_mapping_that_the_journal_cannot_read_is_named(
        self, old: str, new: str, said: str, tmp_path: Path
    ) -> None:
        samples(tmp_path)
        file = tmp_path / "cel_custom.conf"
        file.write_text(file.read_text().replace(old, new))
        found = only(await cel.check_cel(site(tmp_path), None), Status.FAILED)
        assert said in found.message
        assert found.advice

    async def test_files_that_cannot_be_read_are_a_warning_and_no_guess(self, tmp_path: Path) -> None:
        found = only(await cel.check_cel(site(tmp_path / "elsewhere"), None), Status.WARNING)
        assert "cel.conf" in found.message
        assert "cel_custom.conf" in found.message


class TestEventLog:
    def look(self, path: Path) -> Finding:
        [found] = cel_log.check_cel_log(Site(Settings.model_validate({"cel": {"path": str(path)}})))
        return found

    @pytest.mark.parametrize(
        "text",
        [
            RECORD + "\n",
            f"rubbish\n{RECORD}\n",
            f'{RECORD}\n{RECORD}\n"half,wri',
            RECORD.replace('"8"', '"a\nb,""c""\n,d"') + "\n",
        ],
    )
    def test_a_right_last_record_is_right_whatever_stands_around_it(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "waybell.csv").write_text(text)
        assert self.look(tmp_path / "waybell.csv").status is Status.OK

    def test_a_long_log_is_read_from_its_end(self, tmp_path: Path) -> None:
        (tmp_path / "waybell.csv").write_text((RECORD + "\n") * 10_000)
        assert self.look(tmp_path / "waybell.csv").status is Status.OK

    @pytest.mark.parametrize(
        ("text", "count"), [(RECORD + ',"20"\n', 21), ("CHAN_START,1,2\n", 0), (f'{RECORD}\n"1","2"\n', 2)]
    )
    def test_a_last_record_of_another_form_is_a_failure(self, text: str, count: int, tmp_path: Path) -> None:
        (tmp_path / "waybell.csv").write_text(text)
        found = self.look(tmp_path / "waybell.csv")
        assert found.status is Status.FAILED
        assert f"has {count} fields, not 20" in found.message

    def test_before_the_first_call_the_missing_file_is_a_warning(self, tmp_path: Path) -> None:
        (tmp_path / "other.csv").touch()
        found = self.look(tmp_path / "waybell.csv")
        assert found.status is Status.WARNING
        assert "there is other.csv" in found.message

    def test_a_missing_folder_is_a_failure_with_the_command_that_makes_it(self, tmp_path: Path) -> None:
        found = self.look(tmp_path / "cel-custom" / "waybell.csv")
        assert found.status is Status.FAILED
        assert f"mkdir {tmp_path}/cel-custom" in found.advice

    def test_a_folder_in_the_files_place_is_a_failure(self, tmp_path: Path) -> None:
        assert self.look(tmp_path).status is Status.FAILED

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
    @pytest.mark.parametrize("closed", ["file", "folder", "folder above"])
    def test_a_log_that_somebody_else_keeps_closed_names_user_place_and_remedy(
        self, closed: str, tmp_path: Path
    ) -> None:
        folder = tmp_path / "asterisk" / "cel-custom"
        folder.mkdir(parents=True)
        file = folder / "waybell.csv"
        file.write_text(RECORD + "\n")
        for parent in (tmp_path.parent.parent, tmp_path.parent, tmp_path):
            parent.chmod(0o755)
        place = {"file": file, "folder": folder, "folder above": folder.parent}[closed]
        place.chmod(0o640 if closed == "file" else 0o750)
        os.chown(place, 0, 4)

        with nobody():
            found = self.look(file)

        assert found.status is Status.FAILED
        assert found.message.startswith(f"user nobody may not read {place} (root:adm ")
        assert "usermod -aG adm nobody" in found.advice
        assert "chmod" not in found.advice


@contextmanager
def nobody() -> Iterator[None]:
    """This process reads files as the user ``nobody`` inside the block."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
