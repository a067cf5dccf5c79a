"""Asterisk's event log: switched on, loaded, and in the form that the journal reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from waybell.checks.asterisk_conf import Sections, is_yes, read_conf
from waybell.checks.findings import Finding, Site, failed, ok, warning
from waybell.checks.pbx import Pbx, PbxError
from waybell.resources import data_dir

CHECK = "cel"
MODULE = "cel_custom.so"
_LOAD = f'asterisk -rx "module load {MODULE}"'
_RELOAD = 'asterisk -rx "module reload cel" and asterisk -rx "module reload cel_custom.so"'


async def check_cel(site: Site, pbx: Pbx | None) -> list[Finding]:
    """What the files say and what Asterisk loaded; ``pbx`` is ``None`` when it cannot be asked."""
    wrong = list(_files(site))
    loaded = await _module(pbx) if pbx else ""
    found = [failed(CHECK, problem, remedy) for problem, remedy in wrong]
    if loaded and loaded != "Running":
        found.append(_not_loaded(loaded, site, explained=bool(wrong)))
    unread = [name for name in ("cel.conf", "cel_custom.conf") if _conf(site.asterisk_config / name) is None]
    if not found and unread:
        return [_unread(site, unread, loaded)]
    return found or [ok(CHECK, "is switched on and written in Waybell's form" + _but(loaded))]


async def _module(pbx: Pbx) -> str:
    """``Running``, another state, or why it cannot be said."""
    try:
        answer = await pbx.get(f"asterisk/modules/{MODULE}")
    except PbxError as error:
        return error.problem
    return answer.text("status") or "not there"


def _not_loaded(state: str, site: Site, *, explained: bool) -> Finding:
    if state == "not there":
        return failed(CHECK, f"Asterisk has no module {MODULE}", f"load = {MODULE} in modules.conf, then: {_LOAD}")
    if state != "Not Running":
        return failed(CHECK, f"cannot be looked at: {state}", "see the line for ari")
    why = (
        "; the wrong mapping above keeps it from loading"
        if explained
        else ": Asterisk declines to load it when no mapping is right, one wrong field name is enough"
    )
    return failed(
        CHECK,
        f"{MODULE} is not running{why}",
        f"make {site.asterisk_config / 'cel_custom.conf'} say what {data_dir('dialplan') / 'cel_custom.conf'} does, "
        f"then: {_LOAD}",
    )


def _unread(site: Site, unread: list[str], loaded: str) -> Finding:
    names = " and ".join(str(site.asterisk_config / name) for name in unread)
    state = f"{MODULE} is running, but " if loaded == "Running" else ""
    return warning(
        CHECK,
        f"{state}{names} cannot be read from here, so nobody knows whether the right events are written",
        "run waybell check as a user who may read Asterisk's configuration, or name it with --asterisk-config",
    )


def _but(loaded: str) -> str:
    return "" if loaded else " (whether Asterisk has loaded it could not be asked)"


def _files(site: Site) -> Iterator[tuple[str, str]]:
    """(problem, remedy) for everything in the two files that is not as in our samples."""
    folder = site.asterisk_config
    if (general := _conf(folder / "cel.conf")) is not None:
        yield from _engine(folder / "cel.conf", general)
    if (mappings := _conf(folder / "cel_custom.conf")) is not None:
        yield from _mapping(folder / "cel_custom.conf", mappings, Path(site.settings.cel.path).name)


def _conf(path: Path) -> Sections | None:
    try:
        return read_conf(path)
    except OSError:
        return None


def _engine(file: Path, conf: Sections) -> Iterator[tuple[str, str]]:
    general = conf.get("general", {})
    wanted = read_conf(data_dir("dialplan") / file.name)["general"]
    if not is_yes(general.get("enable", "no")):
        yield f"{file}: events are switched off", f"enable = yes in [general], then: {_RELOAD}"
        return
    written = _words(general.get("events", ""))
    if (missing := _words(wanted["events"]) - written) and "ALL" not in written:
        names = ", ".join(sorted(missing))
        yield f"{file}: the events {names} are not in the log", f"events = {wanted['events']}, then: {_RELOAD}"
    if missing := _words(wanted["apps"]) - _words(general.get("apps", "")):
        names = ", ".join(sorted(missing)).lower()
        yield f"{file}: the applications {names} are not in the log", f"apps = {wanted['apps']}, then: {_RELOAD}"


def _mapping(file: Path, conf: Sections, log: str) -> Iterator[tuple[str, str]]:
    wanted = next(iter(read_conf(data_dir("dialplan") / file.name).values()))
    ours = conf.get(log)
    if ours is None:
        there = ", ".join(f"[{name}]" for name in conf) or "no section at all"
        yield (
            f"{file}: nothing is written to {log} (there is {there})",
            f"copy [waybell.csv] from {data_dir('dialplan') / file.name}, then: {_LOAD}; or correct cel.path",
        )
        return
    for key, value in wanted.items():
        if key == "fields":
            yield from _fields(file, log, value, ours.get(key, ""))
        elif ours.get(key, "").lower() != value.lower():
            yield (
                f"{file}: [{log}] {key} is {ours.get(key, 'not set')!r}, the journal needs {value!r}",
                f"{key} = {value}, then: {_RELOAD}",
            )


def _fields(file: Path, log: str, wanted: str, found: str) -> Iterator[tuple[str, str]]:
    need, have = _list(wanted), _list(found)
    if [name.lower() for name in need] == [name.lower() for name in have]:
        return
    places = [f"{place + 1}: {_at(have, place)} instead of {_at(need, place)}" for place in _differences(need, have)]
    shown = ", ".join(places[:3]) + (", …" if len(places) > 3 else "")
    yield (
        f"{file}: [{log}] fields are wrong at {shown}; with a name it does not know Asterisk loads none at all",
        f"fields = {wanted} (as one line), then: {_LOAD}",
    )


def _differences(need: list[str], have: list[str]) -> list[int]:
    return [place for place in range(max(len(need), len(have))) if _at(need, place).lower() != _at(have, place).lower()]


def _at(names: list[str], place: int) -> str:
    return names[place] if place < len(names) else "nothing"


def _list(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")] if text else []


def _words(text: str) -> set[str]:
    return {word.strip().upper() for word in text.split(",") if word.strip()}
