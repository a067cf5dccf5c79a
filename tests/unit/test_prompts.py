from __future__ import annotations

import shutil
import struct
import wave
from pathlib import Path

import pytest

from waybell import prompts
from waybell.prompts import MANIFEST, PromptsError, make_prompts, read_prompts


def texts(folder: Path, **languages: str) -> Path:
    (folder / "prompts").mkdir(parents=True, exist_ok=True)
    for language, text in languages.items():
        (folder / "prompts" / f"{language}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def own_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = texts(tmp_path / "dialplan", en="menu-intro = Hello there.\ndigit-1 = one\n")
    monkeypatch.setattr(prompts, "data_dir", lambda name: folder)
    return folder


def test_every_language_has_every_phrase() -> None:
    russian, english = ({prompt.name for prompt in read_prompts(language)} for language in ("ru", "en"))
    menu = {"menu-intro", "menu-parcel", "menu-press", "menu-wrong"}
    callback = {f"callback-{name}" for name in ("press", "press-parcel", "busy", "no-answer", "unreachable")}
    after = {"recorded", "rate", "rate-thanks", "rate-comment"}
    assert russian == english == menu | callback | after | {f"digit-{digit}" for digit in range(10)}


def test_the_sounds_are_what_asterisk_plays_without_converting(tmp_path: Path) -> None:
    written = make_prompts(tmp_path, ["ru", "en"])
    assert tmp_path / "ru/waybell/menu-intro.wav" in written
    assert len(written) == len(read_prompts("ru")) + len(read_prompts("en"))
    for path in written:
        with wave.open(str(path)) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
            frames = sound.readframes(sound.getnframes())
        loudest = max(abs(sample) for (sample,) in struct.iter_unpack("<h", frames))
        assert loudest > 32767 // 3, f"{path} is too quiet"
        assert len(frames) / 16000 < 6, f"{path} is too long"


def test_a_second_run_makes_nothing(tmp_path: Path, own_texts: Path) -> None:
    assert len(make_prompts(tmp_path, ["en"])) == 2
    assert make_prompts(tmp_path, ["en"]) == []
    assert len(make_prompts(tmp_path, ["en"], force=True)) == 2


def test_only_the_phrase_whose_text_changed_is_made_again(tmp_path: Path, own_texts: Path) -> None:
    make_prompts(tmp_path, ["en"])
    texts(own_texts, en="menu-intro = Good morning.\ndigit-1 = one\n")
    assert make_prompts(tmp_path, ["en"]) == [tmp_path / "en/waybell/menu-intro.wav"]
    texts(own_texts, en="menu-intro = Hello there.\ndigit-1 = one\n")
    assert make_prompts(tmp_path, ["en"]) == [tmp_path / "en/waybell/menu-intro.wav"]


@pytest.mark.parametrize("force", [False, True])
def test_an_admins_recording_in_place_of_ours_is_never_overwritten(
    tmp_path: Path, own_texts: Path, *, force: bool
) -> None:
    make_prompts(tmp_path, ["en"])
    recording = tmp_path / "en/waybell/menu-intro.wav"
    recording.write_bytes(b"the admin's voice")
    texts(own_texts, en="menu-intro = Good morning.\ndigit-1 = one\n")
    assert recording not in make_prompts(tmp_path, ["en"], force=force)
    assert recording.read_bytes() == b"the admin's voice"


def test_a_recording_made_before_the_first_set_up_stays(tmp_path: Path, own_texts: Path) -> None:
    recording = tmp_path / "en/waybell/menu-intro.wav"
    recording.parent.mkdir(parents=True)
    recording.write_bytes(b"the admin's voice")
    assert make_prompts(tmp_path, ["en"], force=True) == [tmp_path / "en/waybell/digit-1.wav"]
    assert recording.read_bytes() == b"the admin's voice"


def test_ours_gives_way_to_a_recording_in_another_format(tmp_path: Path, own_texts: Path) -> None:
    make_prompts(tmp_path, ["en"])
    recording = tmp_path / "en/waybell/menu-intro.alaw"
    recording.write_bytes(b"the admin's voice")
    assert make_prompts(tmp_path, ["en"]) == []
    assert not recording.with_suffix(".wav").exists()
    assert recording.read_bytes() == b"the admin's voice"


def test_a_backup_beside_ours_is_no_recording(tmp_path: Path, own_texts: Path) -> None:
    make_prompts(tmp_path, ["en"])
    (tmp_path / "en/waybell/menu-intro.wav.bak").write_bytes(b"")
    (tmp_path / "en/waybell/menu-intro.txt").write_bytes(b"")
    assert make_prompts(tmp_path, ["en"]) == []
    assert (tmp_path / "en/waybell/menu-intro.wav").exists()


def test_ours_comes_back_when_the_recording_is_removed(tmp_path: Path, own_texts: Path) -> None:
    make_prompts(tmp_path, ["en"])
    ours = tmp_path / "en/waybell/menu-intro.wav"
    ours.unlink()
    assert make_prompts(tmp_path, ["en"]) == [ours]


def test_a_crash_before_the_sounds_are_in_place_leaves_none_that_pass_for_the_admins(
    tmp_path: Path, own_texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_prompts(tmp_path, ["en"])
    texts(own_texts, en="menu-intro = Good morning.\ndigit-1 = one\n")
    put = prompts._put

    def crash_after_the_manifest(sound: Path, place: Path) -> Path:
        if place.name != MANIFEST:
            raise KeyboardInterrupt
        return put(sound, place)

    monkeypatch.setattr(prompts, "_put", crash_after_the_manifest)
    with pytest.raises(KeyboardInterrupt):
        make_prompts(tmp_path, ["en"])
    monkeypatch.setattr(prompts, "_put", put)
    assert make_prompts(tmp_path, ["en"]) == [tmp_path / "en/waybell/menu-intro.wav"]


@pytest.mark.parametrize("program", ["espeak-ng", "sox"])
def test_a_missing_program_is_named_with_its_package(
    tmp_path: Path, own_texts: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == program else which(name))
    with pytest.raises(PromptsError, match=f"apt-get install {program}"):
        make_prompts(tmp_path, ["en"])


def test_an_unknown_language_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(PromptsError, match=r"'\.\./en'; there are en, ru"):
        make_prompts(tmp_path, ["../en"])


@pytest.mark.parametrize("line", ["menu-intro", "../../etc/cron = text", "menu-intro =", "Меню = текст"])
def test_a_line_that_is_no_phrase_is_reported_with_file_and_line(tmp_path: Path, own_texts: Path, line: str) -> None:
    texts(own_texts, en=f"# comment\n\n{line}\n")
    with pytest.raises(PromptsError, match=r"en\.txt, line 3"):
        make_prompts(tmp_path, ["en"])


def test_a_damaged_manifest_never_costs_a_recording(tmp_path: Path, own_texts: Path) -> None:
    make_prompts(tmp_path, ["en"])
    (tmp_path / MANIFEST).write_text("{", encoding="utf-8")
    with pytest.raises(PromptsError, match="is damaged"):
        make_prompts(tmp_path, ["en"], force=True)


def test_a_text_that_looks_like_an_option_is_spoken(tmp_path: Path, own_texts: Path) -> None:
    texts(own_texts, en="office = --version\n")
    assert make_prompts(tmp_path, ["en"]) == [tmp_path / "en/waybell/office.wav"]
