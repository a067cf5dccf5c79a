"""A folder of SQL files that answer questions about a CRM: read, checked, made ready for a driver.

Each file holds one SELECT with named parameters (``:number``). Nothing here talks to a database; what only a database
can tell is checked by :mod:`waybell.people.check`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from waybell.people.values import Identity
from waybell.resources import data_dir

IDENTIFY_COLUMNS = tuple(field.name for field in fields(Identity))

# Every file we know by name: the parameters it may use, the columns it must give. Those called callback_ are asked when
# we place a call; the four after them are the single questions of MeaSoft's manual, with the manual's columns.
KNOWN: Mapping[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "identify": (frozenset({"number"}), IDENTIFY_COLUMNS),
    "callback_courier": (frozenset({"courier"}), ("id", "name", "phone", "manager_extension", "manager_name")),
    "callback_parcel": (
        frozenset({"parcel"}),
        ("parcel", "courier", "number", "name", "client", "client_name"),
    ),
    "callback_clients": (frozenset({"courier"}), ("courier", "client")),
    "recipient_courier": (frozenset({"number"}), ("code", "name", "phonem", "phonek")),
    "courier_manager": (frozenset({"number"}), ("code", "name", "managerext")),
    "client_manager": (frozenset({"number"}), ("code", "company", "managerext", "State")),
    "parcel_in_work": (frozenset({"number"}), ("code",)),
}

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|\#[^\n]*|/\*(?![!+]).*?\*/)
      | (?P<quoted>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`)
      | (?P<open>['"`]|/\*(?![!+]))
      | (?P<parameter>(?<![:\w]):[A-Za-z_]\w*)
      | (?P<end>;)
      | (?P<foreign>\?|%\(|%s)
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s+")
_READS = re.compile(r"\(*\s*(SELECT|WITH)\b", re.IGNORECASE)


class QueryError(ValueError):
    """A query file cannot be used; ``problems`` has one sentence each, which names the file and, if any, the column."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Query:
    """One statement without its comments. ``parts`` are the pieces of text between the ``parameters``."""

    path: Path
    parts: tuple[str, ...]
    parameters: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name without ``.sql``."""
        return self.path.stem

    @property
    def label(self) -> str:
        """How messages name the file: with its folder."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the result must have."""
        return KNOWN[self.name][1] if self.name in KNOWN else ()

    def text(self, mark: str) -> str:
        """The statement with ``mark`` (``?`` or ``%s``) for each of ``parameters`` in turn."""
        parts = [part.replace("%", "%%") for part in self.parts] if mark == "%s" else self.parts
        return mark.join(parts)

    def missing(self, columns: tuple[str, ...]) -> list[str]:
        """What is wrong with a result that has ``columns``; one sentence for each column that is not there."""
        found = {column.lower() for column in columns}
        return [
            f"{self.label}: column {column} is missing; the SELECT must give a column of that name (AS {column})"
            for column in self.columns
            if column.lower() not in found
        ]


@dataclass(frozen=True, slots=True)
class Queries:
    """The known files of one folder by name. ``identify`` is always among them."""

    folder: Path
    by_name: Mapping[str, Query]

    @property
    def identify(self) -> Query:
        """The query behind every incoming call."""
        return self.by_name["identify"]

    def get(self, name: str) -> Query:
        """The query ``name``; :class:`QueryError` when the folder has no such file."""
        if name not in self.by_name:
            raise QueryError(
                f"{self.folder.name}/{name}.sql is missing in {self.folder}; write it after the one in sql/crm/measoft/"
            )
        return self.by_name[name]


def load_queries(where: str | Path) -> Queries:
    """Read the folder ``where``: a path, or the name of a folder under ``sql/crm/``.

    Files that Waybell knows no use for are left alone. :class:`QueryError` lists everything found wrong.
    """
    folder = _folder(str(where))
    queries: dict[str, Query] = {}
    problems: list[str] = []
    for name in KNOWN:
        if (path := folder / f"{name}.sql").is_file():
            try:
                queries[name] = parse(path, path.read_text(encoding="utf-8-sig"))
            except (QueryError, OSError, UnicodeDecodeError) as error:
                problems += error.problems if isinstance(error, QueryError) else [f"{path}: cannot be read: {error}"]
        elif name == "identify":
            there = ", ".join(sorted(file.name for file in folder.glob("*.sql"))) or "no .sql file at all"
            problems.append(f"{folder}: identify.sql is missing; the folder has {there}")
    if problems:
        raise QueryError(*problems)
    return Queries(folder, queries)


def parse(path: Path, text: str) -> Query:
    """``text`` of the file ``path`` as a :class:`Query`; :class:`QueryError` says what is wrong with it."""
    parts, parameters = _split(path, text)
    query = Query(path, parts, parameters)
    problems = [*_unreadable(query), *_wrong_parameters(query), *_surely_missing(query)]
    if problems:
        raise QueryError(*problems)
    return query


def _folder(where: str) -> Path:
    packaged = data_dir("sql") / "crm"
    if re.fullmatch(r"[\w-]+", where) and (packaged / where).is_dir():
        return packaged / where
    folder = Path(where).expanduser()
    if not folder.is_dir():
        known = ", ".join(sorted(place.name for place in packaged.iterdir() if place.is_dir()))
        raise QueryError(f"crm.queries: {where!r} is neither a folder nor one that comes with Waybell ({known})")
    return folder


def _split(path: Path, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    parts, parameters = [""], list[str]()
    at = 0
    for match in _TOKEN.finditer(text):
        parts[-1] += _SPACE.sub(" ", text[at : match.start()])
        at = match.end()
        _refuse(path, text, match)
        if match.lastgroup == "parameter":
            parameters.append(match.group()[1:])
            parts.append("")
        else:
            parts[-1] += match.group() if match.lastgroup == "quoted" else " "
    parts[-1] += _SPACE.sub(" ", text[at:])
    parts[0] = parts[0].lstrip()
    parts[-1] = parts[-1].rstrip()
    return tuple(parts), tuple(parameters)


def _refuse(path: Path, text: str, match: re.Match[str]) -> None:
    where = f"{path.parent.name}/{path.name}: line {text.count(chr(10), 0, match.start()) + 1}"
    if match.lastgroup == "open":
        raise QueryError(f"{where}: {match.group()} is never closed")
    if match.lastgroup == "foreign":
        raise QueryError(f"{where}: {match.group()} is no parameter here; write {_given(path.stem) or ':name'}")
    rest = _TOKEN.sub(lambda token: "" if token.lastgroup == "comment" else token.group(), text[match.end() :])
    if match.lastgroup == "end" and rest.strip():
        raise QueryError(f"{where}: a second statement begins here; a file holds one SELECT")


def _unreadable(query: Query) -> list[str]:
    if _READS.match(query.parts[0]):
        return []
    return [f"{query.label}: must be one SELECT (or WITH … SELECT); it begins with {query.parts[0][:30]!r}"]


def _wrong_parameters(query: Query) -> list[str]:
    allowed = KNOWN[query.name][0] if query.name in KNOWN else frozenset(query.parameters)
    names = _given(query.name)
    wrong = sorted(set(query.parameters) - allowed)
    problems = [f"{query.label}: parameter :{name} is unknown; only {names} is given" for name in wrong]
    if not query.parameters:
        problems.append(f"{query.label}: no parameter; it must ask for {names}")
    return problems


def _given(name: str) -> str:
    """The parameters that the file ``name`` is given."""
    return " or ".join(f":{parameter}" for parameter in sorted(KNOWN[name][0])) if name in KNOWN else ""


def _surely_missing(query: Query) -> list[str]:
    """Columns that the text cannot give because it never names them; a star may give anything."""
    text = " ".join(query.parts)
    if "*" in text:
        return []
    return query.missing(tuple(re.findall(r"\w+", text)))
