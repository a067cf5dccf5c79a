"""``waybell init`` and ``waybell dialplan install``: what they write, and what they leave alone."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import sqlite3
import stat
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from waybell import configuration, initialising, installing
from waybell.cli import options, setup
from waybell.cli.app import main
from waybell.config_file import config_text, write_atomically
from waybell.configuration import SettingsError, load_settings
from waybell.initialising import InitError, default_config, initialise
from waybell.installing import Done, InstallError, install_dialplan, sounds_folder
from waybell.prompts import read_prompts
from waybell.resources import data_dir
from waybell.settings import Settings


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """An Asterisk's configuration directory that knows its others."""
    folder = tmp_path / "etc"
    folder.mkdir()
    (tmp_path / "log").mkdir()
    (folder / "asterisk.conf").write_text(
        f"[directories](!) ; as Debian has it\nastdatadir => {tmp_path}/data\nastlogdir => {tmp_path}/log\n"
    )
    return folder


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("WAYBELL_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["waybell", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def a_program(path: Path) -> Path:
    path.parent.mkdir()
    path.touch(0o755)
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def ours(name: str) -> str:
    return (data_dir("dialplan") / name).read_text()


def what(done: list[Done], name: str) -> str:
    [found] = [each for each in done if each.path.name == name]
    return found.what


class TestConfigFile:
    def test_what_is_written_loads_to_the_defaults(self, tmp_path: Path) -> None:
        (tmp_path / "waybell.toml").write_text(config_text({}))
        assert load_settings(tmp_path / "waybell.toml", {}) == Settings()

    def test_with_every_comment_taken_away_it_still_loads_to_the_defaults(self, tmp_path: Path) -> None:
        text, count = re.subn(r"^#(?=\w+ = )", "", config_text({}), flags=re.MULTILINE)
        (tmp_path / "waybell.toml").write_text(text)
        assert count == sum(len(type(section).model_fields) for _, section in Settings() if section != ())
        assert load_settings(tmp_path / "waybell.toml", {}) == Settings()

    def test_each_key_stands_under_its_description(self) -> None:
        text = config_text({})
        for _, section in Settings():
            if section == ():
                continue  # a list of tables: there is none by itself
            for key, field in type(section).model_fields.items():
                assert f"# {field.description}\n#{key} = " in text

    @pytest.mark.parametrize("value", ['"quoted"', "back\\slash", "tab\tline\n", "пароль", "# no comment", "'"])
    def test_any_text_that_is_set_comes_back(self, value: str, tmp_path: Path) -> None:
        (tmp_path / "waybell.toml").write_text(config_text({"ari.password": value}))
        assert load_settings(tmp_path / "waybell.toml", {}).ari.password.get_secret_value() == value

    def test_a_write_that_fails_leaves_the_old_text_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "waybell.toml"
        path.write_text("old")

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(path, "new", 0o600)
        assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("waybell.toml", "old")]


class TestInit:
    def init(self, path: Path, *, force: bool = False) -> initialising.Initialised:
        return initialise(path, force=force, settings_of=load_settings)

    def test_it_writes_a_file_for_its_owner_only_and_prepares_the_store(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "waybell.toml"
        self.init(path)
        assert mode(path) == 0o600
        settings = load_settings(path, {})
        assert settings.ari.password.get_secret_value() != Settings().ari.password.get_secret_value()
        assert settings.model_copy(update={"ari": Settings().ari}) == Settings()
        with closing(sqlite3.connect(tmp_path / "waybell.db")) as store:
            tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master")}
        assert "alembic_version" in tables

    def test_a_second_time_the_file_is_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "waybell.toml"
        path.write_text("[calls]\noffice = '700'\n")
        done = self.init(path)
        assert path.read_text() == "[calls]\noffice = '700'\n"
        assert "is there already and is kept" in done.lines[0]
        assert (tmp_path / "waybell.db").exists()

    def test_force_writes_it_anew_and_keeps_the_old_one(self, tmp_path: Path) -> None:
        path = tmp_path / "waybell.toml"
        path.write_text("[calls]\noffice = '700'\n")
        path.chmod(0o600)
        self.init(path, force=True)
        assert load_settings(path, {}).calls.office == "500"
        assert (tmp_path / "waybell.toml.old").read_text() == "[calls]\noffice = '700'\n"
        assert mode(tmp_path / "waybell.toml.old") == 0o600

    def test_a_store_that_cannot_be_had_says_what_to_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WAYBELL_STORE__URL", "mysql+asyncmy://waybell:secret-word@127.0.0.1:1/waybell")
        with pytest.raises(InitError, match=r"correct host and port in store\.url") as error:
            self.init(tmp_path / "waybell.toml")
        assert "secret-word" not in str(error.value)

    def test_the_service_gets_a_store_that_is_not_in_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(initialising, "SYSTEM_CONFIG", tmp_path / "etc" / "waybell.toml")
        monkeypatch.setattr(initialising, "SYSTEM_DATA", tmp_path / "lib")
        monkeypatch.setattr(initialising, "USER", "no-such-user")
        done = self.init(tmp_path / "etc" / "waybell.toml")
        assert (tmp_path / "lib" / "waybell.db").exists()
        if os.geteuid() == 0:
            [step] = done.todo
            assert "useradd" in step
            assert f"chown no-such-user: {tmp_path}/etc/waybell.toml {tmp_path}/lib" in step

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
    def test_the_services_user_owns_what_root_made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(initialising, "SYSTEM_CONFIG", tmp_path / "etc" / "waybell.toml")
        monkeypatch.setattr(initialising, "SYSTEM_DATA", tmp_path / "lib")
        monkeypatch.setattr(initialising, "USER", "nobody")
        assert self.init(tmp_path / "etc" / "waybell.toml").todo == ()
        for path in (tmp_path / "etc" / "waybell.toml", tmp_path / "lib", tmp_path / "lib" / "waybell.db"):
            assert path.stat().st_uid == 65534

    def test_the_file_named_by_the_environment_is_the_one_that_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WAYBELL_CONFIG", str(tmp_path / "other.toml"))
        assert default_config() == tmp_path / "other.toml"

    def test_the_command_prints_nothing_secret_and_the_next_steps(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "waybell.toml"
        assert run(monkeypatch, "init", "--config", str(path)) == 0
        out = capsys.readouterr().out
        assert load_settings(path, {}).ari.password.get_secret_value() not in out
        for part in ("waybell dialplan install", "waybell.service", "waybell check", "ari.conf", str(path)):
            assert part in out

    def test_the_next_steps_name_the_program_by_its_whole_path_and_both_files_of_asterisk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        program = a_program(tmp_path / "anywhere" / "waybell")
        monkeypatch.setattr(initialising, "SYSTEM_CONFIG", tmp_path / "etc" / "waybell.toml")
        monkeypatch.setattr(initialising, "SYSTEM_DATA", tmp_path / "lib")
        monkeypatch.setattr(setup, "SYSTEM_CONFIG", tmp_path / "etc" / "waybell.toml")
        monkeypatch.setattr(setup, "_UNIT_PROGRAM", "/opt/none/waybell")
        monkeypatch.setattr(sys, "argv", [str(program), "init", "--config", str(tmp_path / "etc" / "waybell.toml")])
        with pytest.raises(SystemExit):
            main()
        out = capsys.readouterr().out
        assert f"Run: {program} dialplan install\n" in out
        assert f"Run: sudo -u waybell {program} check\n" in out
        assert f"sed 's|/opt/none/waybell|{program}|' " in out
        for part in ("http.conf enabled = yes, bindaddr = 127.0.0.1", "ari.conf: [waybell]"):
            assert part in out

    def test_a_program_that_was_found_on_the_path_is_named_by_its_whole_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = a_program(tmp_path / "bin" / "waybell")
        monkeypatch.setenv("PATH", str(program.parent))
        monkeypatch.setattr(sys, "argv", ["waybell"])
        assert options.program() == str(program)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
    @pytest.mark.parametrize("closed", ["the file", "its folder"])
    def test_a_configuration_that_may_not_be_read_says_as_whom_to_run(
        self, closed: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            Path(folder).chmod(0o755 if closed == "the file" else 0o700)
            file = Path(folder) / "waybell.toml"
            file.touch(0o600)
            monkeypatch.setattr(configuration, "_PLACES", (str(file),))
            os.seteuid(65534)
            try:
                with pytest.raises(SettingsError) as error:
                    load_settings(None, {})
            finally:
                os.seteuid(0)
        assert str(error.value) == (f"{file}: cannot be read: Permission denied; run it as root or as the user waybell")

    def test_a_place_that_cannot_be_written_is_one_line_and_code_1(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").touch()
        assert run(monkeypatch, "init", "--config", str(tmp_path / "file" / "waybell.toml")) == 1
        [line] = capsys.readouterr().err.splitlines()
        assert "cannot be written: " in line

    def test_a_file_that_is_there_and_wrong_is_code_2(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "waybell.toml").write_text("[calls]\noffice = 500\n")
        assert run(monkeypatch, "init", "--config", str(tmp_path / "waybell.toml")) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


class TestDialplanInstall:
    def test_everything_is_copied_and_the_log_folder_made(self, etc: Path, tmp_path: Path) -> None:
        install_dialplan(etc)
        for name in ("waybell.conf", "cel.conf", "cel_custom.conf"):
            assert (etc / name).read_text() == ours(name)
            assert mode(etc / name) == 0o644
        assert (tmp_path / "log" / "cel-custom").is_dir()

    def test_a_second_time_nothing_changes(self, etc: Path) -> None:
        install_dialplan(etc)
        before = {path: path.stat() for path in etc.rglob("*")}
        done = install_dialplan(etc)
        assert {path: path.stat() for path in etc.rglob("*")} == before
        assert {each.what for each in done} == {"is up to date"}

    def test_the_admins_own_event_log_files_are_left_alone(self, etc: Path) -> None:
        (etc / "cel.conf").write_text("[general]\nenable = no\n")
        done = install_dialplan(etc)
        assert (etc / "cel.conf").read_text() == "[general]\nenable = no\n"
        assert (etc / "cel.conf.waybell-sample").read_text() == ours("cel.conf")
        [kept] = [each for each in done if each.todo]
        assert f"cp {etc}/cel.conf.waybell-sample {etc}/cel.conf" in kept.todo

    def test_a_sample_that_the_admin_copied_over_counts_as_ours(self, etc: Path) -> None:
        (etc / "cel.conf").write_text("[general]\n")
        install_dialplan(etc)
        shutil.copy(etc / "cel.conf.waybell-sample", etc / "cel.conf")
        assert what(install_dialplan(etc), "cel.conf") == "is up to date"

    @pytest.mark.parametrize("name", ["cel.conf", "waybell.conf"])
    def test_what_an_earlier_version_wrote_is_replaced(
        self, name: str, etc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install_dialplan(etc)
        newer = tmp_path / "newer"
        shutil.copytree(data_dir("dialplan"), newer)
        (newer / name).write_text(ours(name) + "; newer\n")
        monkeypatch.setattr(installing, "data_dir", lambda _: newer)
        assert what(install_dialplan(etc), name) == "written"
        assert (etc / name).read_text() == ours(name) + "; newer\n"
        assert not list(etc.glob("*.changed"))

    def test_a_dialplan_that_somebody_changed_is_replaced_and_kept_beside(self, etc: Path) -> None:
        (etc / "waybell.conf").write_text("[mine]\n")
        done = install_dialplan(etc)
        assert (etc / "waybell.conf").read_text() == ours("waybell.conf")
        assert (etc / "waybell.conf.changed").read_text() == "[mine]\n"
        assert "waybell.conf.changed" in what(done, "waybell.conf")

    @pytest.mark.parametrize("text", ["", "no json", "[]", '{"cel.conf": 5}', '{"cel.conf": null}'])
    def test_a_damaged_list_of_what_we_wrote_leaves_everything_to_the_admin(self, text: str, etc: Path) -> None:
        (etc / installing.MANIFEST).write_text(text)
        (etc / "cel.conf").write_text("[general]\n")
        install_dialplan(etc)
        assert (etc / "cel.conf").read_text() == "[general]\n"

    def test_the_admins_additions_are_never_written(self, etc: Path) -> None:
        install_dialplan(etc)
        assert not (etc / "waybell_custom.conf").exists()

    def test_sounds_go_where_asterisk_looks_for_them(self, etc: Path, tmp_path: Path) -> None:
        assert sounds_folder(etc) == tmp_path / "data" / "sounds"

    def test_a_missing_directory_says_which_option(self, tmp_path: Path) -> None:
        with pytest.raises(InstallError, match=f"{tmp_path}/none is no directory; .* --to"):
            install_dialplan(tmp_path / "none")

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
    def test_a_directory_that_may_not_be_written_says_sudo(self, etc: Path) -> None:
        for folder in (etc, *etc.parents):
            if folder.stat().st_uid == 0 and "pytest" in str(folder):
                folder.chmod(0o755)
        os.seteuid(65534)
        try:
            with pytest.raises(InstallError, match="cannot be written: Permission denied; run it with sudo"):
                install_dialplan(etc)
        finally:
            os.seteuid(0)
        assert not (etc / "waybell.conf").exists()


class TestDialplanInstallCommand:
    def test_without_espeak_it_says_so_and_goes_on(
        self, etc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert run(monkeypatch, "dialplan", "install", "--to", str(etc)) == 0
        captured = capsys.readouterr()
        assert "apt-get install espeak-ng" in captured.err
        assert (etc / "waybell.conf").exists()
        for part in ("[globals]", "WAYBELL_AGI = ", "WAYBELL_OFFICE_DIAL = ", "#include waybell.conf"):
            assert part in captured.out
        assert 'asterisk -rx "dialplan reload"' in captured.out

    def test_with_espeak_the_prompts_are_made(
        self, etc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if not (shutil.which("espeak-ng") and shutil.which("sox")):
            pytest.skip("espeak-ng and sox are not installed")
        assert run(monkeypatch, "dialplan", "install", "--to", str(etc), "--languages", "en") == 0
        made = [prompt.path for prompt in read_prompts("en")]
        assert made
        assert all((tmp_path / "data" / "sounds" / path).is_file() for path in made)
        capsys.readouterr()
        assert run(monkeypatch, "prompts", "--to", str(tmp_path / "data" / "sounds"), "--languages", "en") == 0
        assert "0 prompts made" in capsys.readouterr().out

    def test_the_last_step_names_the_program_by_its_whole_path(
        self, etc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        program = a_program(tmp_path / "anywhere" / "waybell")
        monkeypatch.setattr(setup, "SYSTEM_CONFIG", tmp_path / "none")
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(sys, "argv", [str(program), "dialplan", "install", "--to", str(etc)])
        with pytest.raises(SystemExit):
            main()
        captured = capsys.readouterr()
        assert captured.out.endswith(f"Run: {program} check\n")
        assert f"then: {program} prompts --to " in captured.err

    def test_what_is_included_already_is_not_asked_for_again(
        self, etc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (etc / "extensions.conf").write_text("[globals]\n#include waybell.conf\n")
        monkeypatch.setenv("PATH", str(tmp_path))
        run(monkeypatch, "dialplan", "install", "--to", str(etc))
        assert "#include" not in capsys.readouterr().out

    def test_a_failure_is_one_line_and_code_1(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(monkeypatch, "dialplan", "install", "--to", str(tmp_path / "none")) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1

    def test_an_unknown_language_of_the_prompts_is_one_line_and_code_1(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(monkeypatch, "prompts", "--to", str(tmp_path), "--languages", "xx") == 1
        assert "there are no prompts in language 'xx'" in capsys.readouterr().err


def test_the_service_unit_is_one_and_runs_as_an_ordinary_user() -> None:
    unit = configparser.RawConfigParser(strict=True)
    unit.optionxform = str  # type: ignore[method-assign, assignment]
    unit.read_string(ours("waybell.service"))
    service = unit["Service"]
    assert service["User"] == "waybell"
    assert service["SupplementaryGroups"] == "asterisk"
    assert service["ProtectSystem"] == "strict"
    assert service["Restart"] == "always"
    assert service["ExecStart"].endswith("waybell serve --config /etc/waybell/waybell.toml")
