"""The settings of webhooks: what is wrong with one is said by its place, and no secret is shown."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from waybell.config_file import config_text
from waybell.configuration import SettingsError, load_settings
from waybell.settings import Settings

GOOD = {"name": "crm", "url": "https://crm.example/hook", "events": '["call.ended"]', "secret": "0123456789abcdef"}


def load(tmp_path: Path, *tables: dict[str, str]) -> Settings:
    text = ""
    for table in tables:
        lines = (f"{key} = {value if value[:1] in '[t' else repr(value)}" for key, value in {**GOOD, **table}.items())
        text += "\n".join(("[[webhooks]]", *lines, ""))
    file = tmp_path / "waybell.toml"
    file.write_text(text)
    return load_settings(file, {})


def test_a_webhook_is_read(tmp_path: Path) -> None:
    (hook,) = load(tmp_path, {}).webhooks
    assert (hook.name, hook.url, [*hook.events]) == ("crm", "https://crm.example/hook", ["call.ended"])
    assert "0123456789abcdef" not in repr(hook)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("secret", "short", "webhooks.0.secret"),
        ("url", "ftp://x/", "webhooks.0.url"),
        ("url", "http://u:p@x/", "webhooks.0.url"),
        ("url", "http://x/#a", "webhooks.0.url"),
        ("url", "http:// x/", "webhooks.0.url"),
        ("url", "http://пример.рф/", "webhooks.0.url"),
        ("events", '["call.begun"]', "webhooks.0.events"),
        ("events", "[]", "webhooks.0.events"),
        ("name", "a b", "webhooks.0.name"),
        ("template", "{call}", "template: {call} is in no event"),
        ("colour", "red", "unknown key"),
    ],
)
def test_what_is_wrong_is_said_by_its_place_without_the_secret(tmp_path: Path, key: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, {key: value})
    assert said in str(refused.value)
    assert "0123456789abcdef" not in str(refused.value)
    assert key != "secret" or "short" not in str(refused.value).replace("waybell.toml", "")


def test_two_webhooks_cannot_have_one_name(tmp_path: Path) -> None:
    assert len(load(tmp_path, {}, {"name": "other"}).webhooks) == 2
    with pytest.raises(SettingsError, match="one webhook of each name"):
        load(tmp_path, {}, {})


def test_the_file_that_init_writes_shows_how_a_webhook_is_set() -> None:
    text = config_text({})
    assert "# [[webhooks]]" in text
    assert Settings.model_validate(tomllib.loads(text)).webhooks == ()
