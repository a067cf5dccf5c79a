"""Every setting wrong in turn: one line that says which, where, and what is allowed; exit code 2."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from waybell.cli.app import main
from waybell.configuration import SettingsError, load_settings
from waybell.settings import Settings

# section.key → a wrong value, as TOML and JSON write it; the text of a variable; a part of what is said to be allowed.
WRONG: dict[str, tuple[object, str, str]] = {
    "numbers.region": ("Russia", "ru", "two-letter country code"),
    "numbers.outside_code": ("nine", "99999", "[0-9]{0,4}"),
    "numbers.extension_digits": ([6, 2], "0,6", "two lengths from 1 to 15"),
    "crm.url": ("postgresql://host/courier", "mysql+asyncmy://host:port/courier", "mysql+asyncmy://"),
    "crm.queries": ("", "", "at least 1 character"),
    "crm.deadline": (0, "10", "greater than 0|less than 3.5"),
    "crm.connections": (0, "65", "greater than or equal to 1|less than or equal to 64"),
    "crm.cache_hours": (-1, "inf", "greater than 0|finite number"),
    "store.url": ("waybell.db", "sqlite+aiosqlite://", "sqlite+aiosqlite://|database's name or file"),
    "store.search_seconds": (0, "61", "greater than or equal to 0.1|less than or equal to 60"),
    "agi.listen": ("127.0.0.1", "localhost:4573", "an IP address and a port"),
    "agi.allow_remote": (["10.0.0.0/33"], "office", "network"),
    "agi.max_connections": (0, "many", "greater than or equal to 1|valid integer"),
    "agi.session_seconds": (3.6, "nan", "less than or equal to 3.5|finite number"),
    "ari.url": (
        "http://admin:hunter2@127.0.0.1:8088",
        "http://127.0.0.1:808800",
        "keys of their own|http:// or https://",
    ),
    "ari.user": ("", "", "at least 1 character"),
    "ari.password": ("", "", "at least 1 "),
    "ari.app": ("way bell", "way,bell", "[A-Za-z0-9_-]{1,40}"),
    "web.listen": ("0.0.0.0", "[::1]:65536", "an IP address and a port"),
    "calls.company_number": ("8 (495) 123-45-67", "office", "[0-9]{0,15}"),
    "calls.phone_dial": ("PJSIP/trunk", "PJSIP/{number}@trunk&PJSIP/900", "holding {number}"),
    "calls.countries": (["RU", "Kazakhstan"], "RU,881", "two-letter country codes in capitals"),
    "calls.extension_dial": ("PJSIP/{number}", "PJSIP/{extension},60", "holding {extension}"),
    "calls.ring_seconds": (0, "1h", "greater than or equal to 1|valid integer"),
    "calls.office": (500, "500@office", "valid string|[0-9]{1,15}"),
    "calls.courier_prefix": ("w9", "+7", "[0-9*#]{0,15}"),
    "calls.client_prefix": ("w9", "8 10", "[0-9*#]{0,15}"),
    "calls.show_recipient": ("maybe", "perhaps", "valid boolean"),
    "calls.language": ("RU", "de", "'ru' or 'en'"),
    "calls.lines": (["trunk"], "trunk", "valid dictionary"),
    "callbacks.confirm": ("maybe", "perhaps", "valid boolean"),
    "callbacks.confirm_seconds": (2, "soon", "greater than or equal to 3|valid integer"),
    "callbacks.hours_from": ("8:00", "25:00", "hours and minutes"),
    "callbacks.hours_until": ("21", "24:01", "hours and minutes"),
    "callbacks.time_zone": ("Moscow", "../etc", "IANA"),
    "callbacks.allowed_numbers": (["+7800"], "112,x", "[0-9]{2,15}"),
    **{
        f"callbacks.{key}": (-1, "many", "greater than or equal to 0|valid integer")
        for key in (
            *("courier_at_once", "courier_per_hour", "courier_per_day", "destination_per_day", "company_at_once"),
            *("company_per_second", "company_minutes_per_day"),
        )
    },
    "callbacks.longest_call_seconds": (0, "1h", "greater than or equal to 1|valid integer"),
    "ami.listen": ("5038", "localhost:5038", "an IP address and a port"),
    "ami.certificate": (1, "", "valid string"),
    "ami.private_key": (["key.pem"], "", "valid string"),
    "ami.users": (["measoft"], "measoft", "valid dictionary"),
    "routing.flow": (["default.yaml"], "", "valid string"),
    "cel.path": ("", "", "at least 1 character"),
    "cel.pbx": ("pbx-1", "a" * 21, "[A-Za-z0-9_]{1,20}"),
    "cel.url": ("postgresql://localhost/cel", "cel.db", "mysql+asyncmy://"),
    "cel.table": ("cel; DROP", "a b", "[A-Za-z0-9_]{1,60}"),
    "keep.journal_days": (-1, "year", "greater than or equal to 0|valid integer"),
    "keep.recordings_days": (-1, "year", "greater than or equal to 0|valid integer"),
    "keep.ratings_days": (-1, "year", "greater than or equal to 0|valid integer"),
    "keep.listens_days": (-1, "year", "greater than or equal to 0|valid integer"),
    "keep.callbacks_days": (-1, "year", "greater than or equal to 0|valid integer"),
    "recordings.url": ("/var/spool/asterisk/monitor", "monitor", "(file|sftp|ftp|s3)://"),
    "recordings.record": (["everybody"], "everybody", "all, recipient, courier"),
    "recordings.not_recorded": (["8-495"], "8-495", "all, recipient, courier"),
    "recordings.announce": ("perhaps", "perhaps", "valid boolean"),
    "recordings.seconds": (0, "5s", "greater than 0|valid number"),
    "recordings.at_once": (0, "many", "greater than or equal to 1|valid integer"),
    "recordings.options": (["client_keys"], "client_keys", "[a-z_]{1,40}="),
    "feedback.ask": (["line:mts"], "click", "all, recipient, courier"),
    "feedback.not_asked": (["callback"], "callback", "all, recipient, courier"),
    "feedback.days": (-1, "month", "greater than or equal to 0|valid number"),
    "feedback.seconds": (1, "6s", "greater than or equal to 2|valid integer"),
    "feedback.comment_seconds": (-1, "1m", "greater than or equal to 0|valid integer"),
    "missed.look_back_hours": (0, "week", "greater than or equal to 1|valid integer"),
    "missed.after_minutes": (0, "20000", "greater than 0|less than or equal to 10080"),
    "missed.ring": ("+79161234567", "1", "[0-9]{2,6}"),
    "missed.hours_from": ("9:00", "25:00", "such as 08:00"),
    "missed.hours_until": ("18", "24:01", "such as 08:00"),
    "missed.give_up_hours": (0, "169", "greater than or equal to 1|less than or equal to 168"),
    "attempts.genuine_seconds": (0, "inf", "greater than or equal to 1|finite number"),
    "attempts.font": (["DejaVuSans.ttf"], "", "valid string"),
    "log.level": ("all", "INFO", "'debug', 'info', 'warning' or 'error'"),
    "log.format": ("xml", "JSON", "'text' or 'json'"),
}
# Any text may be a path; one that leads nowhere is found when it is read.
FREE_TEXT = {"routing.flow", "ami.certificate", "ami.private_key", "attempts.font"}


def every_key() -> Iterator[str]:
    for section in Settings.model_fields:
        if isinstance(getattr(Settings(), section), tuple):
            continue  # a list of tables has no keys before there is one
        for key in type(getattr(Settings(), section)).model_fields:
            yield f"{section}.{key}"


def variable(key: str) -> str:
    return "WAYBELL_" + key.upper().replace(".", "__")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "waybell.toml"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for key in every_key():
        monkeypatch.delenv(variable(key), raising=False)
    monkeypatch.setenv("WAYBELL_CONFIG", "")
    monkeypatch.chdir(tmp_path)


def run_check(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["waybell", "check", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_every_setting_has_a_wrong_value_here() -> None:
    assert sorted(WRONG) == sorted(every_key())


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_value_in_the_file_is_one_line_that_names_file_and_key_and_what_is_allowed(
    key: str, written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    section, name = key.split(".")
    value, _, allowed = WRONG[key]
    written.write_text(f"[{section}]\n{name} = {json.dumps(value)}\n")

    assert run_check(monkeypatch, "--config", str(written)) == 2

    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert captured.out == ""
    assert line.startswith(f"waybell: {written}: {key}: ")
    assert any(part in line for part in allowed.split("|")), line


@pytest.mark.parametrize("key", sorted(WRONG.keys() - FREE_TEXT))
def test_a_wrong_variable_is_one_line_that_names_it_and_what_is_allowed(
    key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, text, allowed = WRONG[key]
    monkeypatch.setenv(variable(key), text)

    assert run_check(monkeypatch) == 2

    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert captured.out == ""
    assert line.startswith(f"waybell: {variable(key)}: {key}: ")
    assert any(part in line for part in allowed.split("|")), line


def test_an_unknown_key_names_the_ones_there_are(written: Path) -> None:
    written.write_text("[crm]\ndeadlin = 2\n")
    with pytest.raises(SettingsError) as error:
        load_settings(written, {})
    assert str(error.value) == (
        f"{written}: crm.deadlin: unknown key; allowed: url, queries, deadline, connections, cache_hours"
    )


def test_an_unknown_section_names_the_ones_there_are(written: Path) -> None:
    written.write_text("[crn]\ndeadline = 2\n")
    with pytest.raises(SettingsError) as error:
        load_settings(written, {})
    assert str(error.value).startswith(f"{written}: crn: unknown section; allowed: numbers, crm, store, ")


@pytest.mark.parametrize("name", ["WAYBELL_CRM__DEADLIN", "WAYBELL_CRN__DEADLINE"])
def test_a_variable_of_an_unknown_key_or_section_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: .*: unknown (key|section); allowed: "):
        load_settings(None, {name: "2", "WAYBELL_CONFIG": ""})


def test_a_section_that_is_no_table_is_refused(written: Path) -> None:
    written.write_text("crm = 5\n")
    with pytest.raises(SettingsError, match=r"waybell\.toml: crm: "):
        load_settings(written, {})


def test_broken_toml_says_where(written: Path) -> None:
    written.write_text("[crm]\nurl = \n")
    with pytest.raises(SettingsError, match=r"waybell\.toml: is not TOML: .*line 2"):
        load_settings(written, {})


def test_a_file_in_another_encoding_is_refused(written: Path) -> None:
    written.write_bytes('[calls]\noffice = "офис"\n'.encode("cp1251"))
    with pytest.raises(SettingsError, match="is not TOML"):
        load_settings(written, {})


@pytest.mark.parametrize("named_by", ["option", "variable"])
def test_a_missing_file_says_how_to_write_one(named_by: str, written: Path) -> None:
    path, environ = (written, {}) if named_by == "option" else (None, {"WAYBELL_CONFIG": str(written)})
    with pytest.raises(SettingsError) as error:
        load_settings(path, environ)
    assert str(error.value) == f"{written}: cannot be read: No such file or directory; write one with: waybell init"


def test_a_broken_file_ends_a_command_with_code_2(
    written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_check(monkeypatch, "--config", str(written)) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_environment_wins_over_the_file(written: Path) -> None:
    written.write_text("[calls]\nring_seconds = 10\noffice = '100'\n[crm]\ndeadline = 0.5\n")
    settings = load_settings(written, {"WAYBELL_CALLS__RING_SECONDS": "40"})
    assert (settings.calls.ring_seconds, settings.calls.office, settings.crm.deadline) == (40, "100", 0.5)


def test_without_a_file_everything_is_a_default() -> None:
    assert load_settings(None, {}) == Settings()


@pytest.mark.parametrize("text", ['["10.0.0.0/8", "fd00::/8"]', "10.0.0.0/8, fd00::/8"])
def test_a_list_in_a_variable_is_json_or_has_commas(text: str) -> None:
    found = load_settings(None, {"WAYBELL_AGI__ALLOW_REMOTE": text}).agi.allow_remote
    assert [str(network) for network in found] == ["10.0.0.0/8", "fd00::/8"]


@pytest.mark.parametrize("password", ["[1]", "{}", '"quoted"', "пароль", " "])
def test_a_password_in_a_variable_is_taken_as_it_is(password: str) -> None:
    assert load_settings(None, {"WAYBELL_ARI__PASSWORD": password}).ari.password.get_secret_value() == password


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ari.password", ["secret-word"]),
        ("crm.url", "mysql://user:secret-word@host/db"),
        ("store.url", "secret-word"),
        ("ari.url", "ftp://user:secret-word@host"),
        ("ari.url", "http://user:secret-word@host"),
    ],
)
def test_an_error_never_shows_what_may_be_secret(key: str, value: object, written: Path) -> None:
    section, name = key.split(".")
    written.write_text(f"[{section}]\n{name} = {json.dumps(value)}\n")
    with pytest.raises(SettingsError) as error:
        load_settings(written, {})
    assert "secret-word" not in str(error.value)


def test_agi_listens_beyond_loopback_only_for_listed_networks(written: Path) -> None:
    written.write_text("[agi]\nlisten = '0.0.0.0:4573'\n")
    with pytest.raises(SettingsError, match=r"agi: listen: 0\.0\.0\.0:4573 is not a loopback address; allowed once "):
        load_settings(written, {})
    assert load_settings(written, {"WAYBELL_AGI__ALLOW_REMOTE": "10.1.0.0/16"}).agi.listen == "0.0.0.0:4573"


def test_of_several_variables_of_a_section_the_one_that_is_wrong_is_named(written: Path) -> None:
    written.write_text("[agi]\nlisten = '0.0.0.0:4573'\n")
    with pytest.raises(SettingsError, match=r"waybell\.toml: agi: listen: "):
        load_settings(written, {"WAYBELL_AGI__MAX_CONNECTIONS": "10"})


def test_a_variable_that_breaks_the_rule_between_two_keys_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^WAYBELL_AGI__LISTEN: agi: listen: .* is not a loopback address"):
        load_settings(None, {"WAYBELL_AGI__LISTEN": "192.168.1.5:4573"})


@pytest.mark.parametrize(("deadline", "session"), [(1.0, 1.0), (3.0, 2.0), (3.2, 3.0)])
def test_a_step_that_would_end_before_the_crm_must_answer_is_refused(
    deadline: float, session: float, written: Path
) -> None:
    written.write_text(f"[crm]\ndeadline = {deadline}\n[agi]\nsession_seconds = {session}\n")
    with pytest.raises(SettingsError) as error:
        load_settings(written, {})
    assert str(error.value) == (
        f"{written}: crm.deadline: {deadline:g} is allowed once it is below agi.session_seconds, which is {session:g}: "
        "a step that ends while it waits for the CRM sends the call to the office"
    )


@pytest.mark.parametrize("variable", ["WAYBELL_CRM__DEADLINE", "WAYBELL_AGI__SESSION_SECONDS"])
def test_of_two_keys_that_do_not_go_together_the_variable_that_was_set_is_named(variable: str) -> None:
    value = "3.4" if "CRM" in variable else "0.5"
    with pytest.raises(SettingsError, match=f"^{variable}: crm.deadline: "):
        load_settings(None, {variable: value, "WAYBELL_CONFIG": "", "WAYBELL_LOG__LEVEL": "info"})


def test_the_longest_waits_that_the_dialplan_bears_are_allowed() -> None:
    settings = Settings.model_validate({"crm": {"deadline": 3.4}, "agi": {"session_seconds": 3.5}})
    assert settings.crm.deadline < settings.agi.session_seconds


def test_countries_in_a_variable_have_commas() -> None:
    assert load_settings(None, {"WAYBELL_CALLS__COUNTRIES": "RU, 375"}).calls.countries == ("RU", "375")


def test_a_dial_string_so_long_that_few_phones_could_ring_at_once_is_refused(written: Path) -> None:
    written.write_text(f"[calls]\nextension_dial = 'Local/{{extension}}@{'c' * 90}'\n")
    with pytest.raises(SettingsError, match="up to 100 letters"):
        load_settings(written, {})
