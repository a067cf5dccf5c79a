"""What callers hear, spoken by espeak-ng from a text file, until an admin records something better.

The texts are in ``dialplan/prompts/<language>.txt``, lines ``name = text``. The sounds are in Asterisk's layout, so
that ``Playback(waybell/menu-intro)`` finds the channel's language: ``<sounds>/<language>/waybell/<name>.wav``.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from waybell.resources import data_dir

MANIFEST = ".waybell-prompts.json"

_VOICES = {"en": "en-gb"}
_WORDS_PER_MINUTE = 150
# Peak level in dB; the silence that espeak-ng puts around each phrase is cut, since menus join phrases.
_EFFECTS = ("norm", "-3", "silence", "1", "0.02", "0.5%", "reverse", "silence", "1", "0.02", "0.5%", "reverse")
_PADDING = ("pad", "0.05", "0.1")
_PACKAGES = {"espeak-ng": "espeak-ng", "sox": "sox"}
_SECONDS = 30.0
# The file name endings that Asterisk 22 plays.
_FORMATS = re.compile(
    r"\.(alaw|alw?|g719|g72[2369].*|gsm|ilbc|mp3|mu|ogg|opus|pcm|siren\d+|sln\d*|speex|spx|ulaw|ulw?|wav|wav16|wav49)",
    re.I,
)
_LINE = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)\s*=\s*(?P<text>\S.*)")


class PromptsError(Exception):
    """The prompts cannot be made; the text says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One phrase. ``path`` is below the sounds folder: ``ru/waybell/menu-intro.wav``."""

    language: str
    name: str
    text: str

    @property
    def path(self) -> str:
        return f"{self.language}/waybell/{self.name}.wav"

    @property
    def recipe(self) -> str:
        """Changes whenever the sound would."""
        parts = [self.text, _voice(self.language), _WORDS_PER_MINUTE, _EFFECTS, _PADDING]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def read_prompts(language: str) -> list[Prompt]:
    """The phrases of one language. Raises :class:`PromptsError` for an unknown language or a line that is no phrase."""
    folder = data_dir("dialplan") / "prompts"
    file = folder / f"{language}.txt"
    known = sorted(path.stem for path in folder.glob("*.txt"))
    if language not in known:
        raise PromptsError(f"there are no prompts in language {language!r}; there are {', '.join(known)} in {folder}")
    return list(_phrases(language, file))


def make_prompts(target: Path, languages: Iterable[str], *, force: bool = False) -> list[Path]:
    """Makes the prompts that are missing or whose text has changed below ``target``, a sounds folder of Asterisk's.

    Returns the files written. ``force`` makes those again that are up to date. A file of the same name, in any format,
    that we did not make is the admin's recording: it is never touched, and ours gives way to it. What we made is known
    by the digests in ``target/.waybell-prompts.json``. The sounds are 8 kHz, mono, 16-bit PCM.
    Raises :class:`PromptsError`.
    """
    prompts = [prompt for language in languages for prompt in read_prompts(language)]
    try:
        target.mkdir(parents=True, exist_ok=True)
        manifest = _read_manifest(target)
        due = [prompt for prompt in prompts if _is_due(target, prompt, manifest, force=force)]
        return _make(target, due, manifest) if due else []
    except OSError as error:
        raise PromptsError(f"the prompts in {target} cannot be written: {error}") from error


def _phrases(language: str, file: Path) -> Iterator[Prompt]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if not found:
            raise PromptsError(f"{file}, line {number}: expected 'name = text' with a name of a-z, 0-9 and -: {line!r}")
        yield Prompt(language, found["name"], found["text"])


def _is_due(target: Path, prompt: Prompt, manifest: dict[str, list[str]], *, force: bool) -> bool:
    """Whether to make it; takes ours away where the admin has put a recording beside it."""
    ours = target / prompt.path
    mine = manifest.get(prompt.path, [])
    digest = _digest(ours) if ours.is_file() else None
    if digest and digest not in mine:
        return False
    if any(_is_sound(path) and path != ours for path in ours.parent.glob(f"{prompt.name}.*")):
        ours.unlink(missing_ok=True)
        return False
    return force or mine[:2] != [prompt.recipe, digest]


def _is_sound(path: Path) -> bool:
    """A backup, say, beside the sound is nothing that Asterisk would play."""
    return _FORMATS.fullmatch(path.suffix) is not None


def _make(target: Path, prompts: list[Prompt], manifest: dict[str, list[str]]) -> list[Path]:
    with tempfile.TemporaryDirectory(prefix=".waybell-prompts-", dir=target) as scratch:
        made = [(prompt, _speak(prompt, Path(scratch))) for prompt in prompts]
        # Ours before they are in place: a crash between here and there must not leave files that pass for the admin's.
        for prompt, sound in made:
            _, *older = manifest.get(prompt.path, [""])
            manifest[prompt.path] = [prompt.recipe, *dict.fromkeys([_digest(sound), *older])]
        _write_manifest(target, manifest, Path(scratch))
        return [_put(sound, target / prompt.path) for prompt, sound in made]


def _put(sound: Path, place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    sound.chmod(0o644)
    return sound.replace(place)


def _speak(prompt: Prompt, scratch: Path) -> Path:
    spoken = scratch / "spoken.wav"
    sound = scratch / prompt.path.replace("/", "-")
    rate = str(_WORDS_PER_MINUTE)
    _run(prompt, ["espeak-ng", "-v", _voice(prompt.language), "-s", rate, "-w", str(spoken), "--", prompt.text])
    telephone = ["-r", "8000", "-c", "1", "-b", "16", "-e", "signed-integer"]
    # -R and -D: the same text makes the same bytes.
    _run(prompt, ["sox", "-R", "-D", str(spoken), *telephone, str(sound), *_EFFECTS, *_PADDING])
    return sound


def _run(prompt: Prompt, command: list[str]) -> None:
    program = command[0]
    found = shutil.which(program)
    if not found:
        package = _PACKAGES[program]
        raise PromptsError(f"{program} is not installed, prompts cannot be made: apt-get install {package}")
    try:
        done = subprocess.run([found, *command[1:]], capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise PromptsError(f"{program} took over {_SECONDS:g} s for the prompt {prompt.path}; try again") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise PromptsError(f"{program} failed (exit {done.returncode}) for the prompt {prompt.path}: {said}")


def _voice(language: str) -> str:
    return _VOICES.get(language, language)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_manifest(target: Path) -> dict[str, list[str]]:
    """Path → the last recipe, its file's digest, then the digests of all files that we made there before."""
    file = target / MANIFEST
    if not file.exists():
        return {}
    try:
        manifest: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PromptsError(f"{file} is damaged ({error}); delete it and the prompts that you did not record") from error
    return manifest


def _write_manifest(target: Path, manifest: dict[str, list[str]], scratch: Path) -> None:
    new = scratch / "manifest"
    new.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    _put(new, target / MANIFEST)
