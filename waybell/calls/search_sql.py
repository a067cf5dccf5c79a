"""The SQL of the search index. Values only ever go as parameters; what differs in the text is chosen from here.

The newest calls of a term are those of its *runs*, one for each kind of facets the term occurs with: within one, the
index has them in the order of time. So a page costs a look at each run's newest and a few rows of those
that matter, however many calls there are and however few of them are looked for.
"""

# ruff: noqa: S608 - of the values, only marks stand in the text

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from waybell.calls.queries import NEWEST_FIRST, NUMBERS
from waybell.calls.search_terms import ALL_CALLS, MOST_PART, NUMBER, part_range
from waybell.calls.values import sql_time

Query = tuple[str, tuple[Any, ...]]

_EARLIEST, _LATEST = -(1 << 62), 1 << 62
_YEAR_ONE = -62_135_596_800_000_000  # no database goes further back


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a number or of a word. ``kind`` is that of the terms it may be in."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of these terms: all that a part is in, where they are few."""

    terms: tuple[str, ...]


What = str | Part | OneOf
"""What calls are looked for by: a term, a part of some, or one of several."""


@dataclass(frozen=True, slots=True)
class Run:
    """A term's calls with the same facets. ``began``: when the first of them in the order asked for began."""

    term: str
    facets: int
    began: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which calls by time: from ``since`` up to, and without, ``until``, behind the call ``after`` in ``order``."""

    order: str
    since: int | None = None
    until: int | None = None
    after: tuple[int, str] | None = None

    @property
    def newest_first(self) -> bool:
        """Whether time runs backwards."""
        return self.order == NEWEST_FIRST

    @property
    def direction(self) -> str:
        """As SQL has it."""
        return "DESC" if self.newest_first else "ASC"

    def no_further_than(self, at: int) -> Stretch:
        """The same up to the calls that began at ``at``."""
        return replace(self, since=at) if self.newest_first else replace(self, until=at + 1)

    def bounds(self) -> tuple[int, int]:
        """The first and the last time there can be, both included."""
        low = _EARLIEST if self.since is None else self.since
        high = _LATEST if self.until is None else max(self.until - 1, _YEAR_ONE)
        if self.after is None:
            return low, high
        return (low, min(high, self.after[0])) if self.newest_first else (max(low, self.after[0]), high)


class IndexSql:
    """Queries for one database, by the name of its dialect."""

    def __init__(self, dialect: str) -> None:
        lite = dialect == "sqlite"
        self._mark = "?" if lite else "%s"
        # In the order written: MariaDB might begin with all that the other term has.
        self._select = "SELECT" if lite else "SELECT STRAIGHT_JOIN"

    def runs(self, what: str | OneOf, facets: Collection[int] | None, also: Sequence[What]) -> Query:
        """Rows of term and facets: the runs of ``what`` that all of ``also`` occur with too."""
        terms = _terms_of(what)
        sql = f"SELECT r.term, r.facets FROM search_runs r WHERE r.term IN ({self._marks(terms)})"
        values: list[Any] = [*terms, *(facets or ())]
        if facets is not None:
            sql += f" AND r.facets IN ({self._marks(facets)})"
        for other in also:
            if terms := _terms_of(other):  # a call has the same facets with each of its terms
                same = f"SELECT 1 FROM search_runs y WHERE y.facets = r.facets AND y.term IN ({self._marks(terms)})"
                sql += f" AND EXISTS ({same})"
                values += terms
        return sql, tuple(values)

    def began(self, runs: Sequence[tuple[str, int]], stretch: Stretch) -> Query:
        """Rows of a run's place in ``runs`` and when the first of its calls began, for those that have one."""
        branches: list[str] = []
        values: list[Any] = []
        for number, (term, facets) in enumerate(runs):
            make = self._of_all if term == ALL_CALLS else self._of_term
            sql, own = make(Run(term, facets, 0), stretch, (), 1)
            branches.append(f"SELECT {number:d} AS run, at FROM ({sql}) AS b{number}")
            values += own
        return " UNION ALL ".join(branches), tuple(values)

    def direct(
        self, what: What, facets: Collection[int] | None, stretch: Stretch, also: Sequence[What], limit: int
    ) -> Query:
        """Rows of time and id: the first ``limit`` calls, found by looking at all that ``what`` has."""
        low, high = stretch.bounds()
        if isinstance(what, Part):
            longer = f" AND INSTR(s.term, {self._mark}) > 0" if len(what.text) > MOST_PART else ""
            values: list[Any] = [*part_range(what.kind, what.text), *([what.text] if longer else [])]
            terms = f"SELECT DISTINCT s.term FROM search_parts s WHERE {self._within}{longer}"
            source, chosen = f"({terms}) AS p JOIN call_terms t ON t.term = p.term", ""
        else:
            values = list(_terms_of(what))
            source, chosen = "call_terms t", f"t.term IN ({self._marks(values)}) AND "
        join, others, rest = self._also(also)
        conditions = f"{chosen}t.at >= {self._mark} AND t.at <= {self._mark}"
        values += (low, high)
        if facets is not None:
            conditions += f" AND t.facets IN ({self._marks(facets)})"
            values += facets
        behind, more = self._behind("t.at", "t.call_id", stretch, as_time=False)
        way = stretch.direction
        sql = f"{self._select} DISTINCT t.at, t.call_id FROM {source}{join} WHERE {conditions}{behind}{others}"
        return f"{sql} ORDER BY t.at {way}, t.call_id {way} LIMIT {limit:d}", (*values, *more, *rest)

    def calls(self, runs: Iterable[Run], stretch: Stretch, also: Sequence[What], limit: int) -> Query:
        """Rows of time and id: the first ``limit`` calls of each run that have all of ``also`` too."""
        branches: list[str] = []
        values: list[Any] = []
        for number, run in enumerate(runs):
            make = self._of_all if run.term == ALL_CALLS else self._of_term
            sql, own = make(run, stretch, also, limit)
            branches.append(f"SELECT * FROM ({sql}) AS b{number}")
            values += own
        return " UNION ALL ".join(branches), tuple(values)

    def size(self, what: What, most: int) -> Query:
        """How many calls it is in, counted up to ``most``."""
        if isinstance(what, Part):
            values: tuple[Any, ...] = part_range(what.kind, what.text)
            inner = f"SELECT 1 FROM search_parts s JOIN call_terms t ON t.term = s.term WHERE {self._within}"
        else:
            values = _terms_of(what)
            inner = f"SELECT 1 FROM call_terms WHERE term IN ({self._marks(values)})"
        return f"SELECT COUNT(*) FROM ({inner} LIMIT {most:d}) AS found", values

    def terms(self, part: Part, most: int) -> Query:
        """The numbers or words that it is in, up to ``most`` rows; one may be there twice."""
        within = part_range(part.kind, part.text)
        return f"SELECT s.term FROM search_parts s WHERE {self._within} LIMIT {most:d}", within

    def spread(self, part: Part, most: int) -> Query:
        """How many numbers or words it is in, counted up to ``most``."""
        inner = f"SELECT 1 FROM search_parts s WHERE {self._within}"
        return f"SELECT COUNT(*) FROM ({inner} LIMIT {most:d}) AS found", part_range(part.kind, part.text)

    @property
    def _within(self) -> str:
        return f"s.part >= {self._mark} AND s.part < {self._mark}"

    def _of_term(self, run: Run, stretch: Stretch, also: Sequence[What], limit: int) -> tuple[str, list[Any]]:
        mark, way = self._mark, stretch.direction
        low, high = stretch.bounds()
        values: list[Any] = [run.term, run.facets, low, high]
        conditions = f"t.term = {mark} AND t.facets = {mark} AND t.at >= {mark} AND t.at <= {mark}"
        behind, more = self._behind("t.at", "t.call_id", stretch, as_time=False)
        join, others, rest = self._also(also)
        sql = f"{self._select} t.at, t.call_id FROM call_terms t{join} WHERE {conditions}{behind}{others}"
        return f"{sql} ORDER BY t.at {way}, t.call_id {way} LIMIT {limit:d}", values + more + rest

    def _of_all(self, run: Run, stretch: Stretch, also: Sequence[What], limit: int) -> tuple[str, list[Any]]:
        within, values = self._times("c.started_at", stretch)
        behind, more = self._behind("c.started_at", "c.id", stretch, as_time=True)
        _, others, rest = self._also(also)
        way = stretch.direction
        sql = f"SELECT c.started_at AS at, c.id AS call_id FROM calls c WHERE c.facets = {self._mark}{within}{behind}"
        sql = f"{sql}{others} ORDER BY c.started_at {way}, c.id {way} LIMIT {limit:d}"
        return sql, [run.facets, *values, *more, *rest]

    def _times(self, column: str, stretch: Stretch) -> tuple[str, list[Any]]:
        low, high = stretch.bounds()
        sql, values = "", []
        if low != _EARLIEST:
            sql, values = f" AND {column} >= {self._mark}", [sql_time(low)]
        if high != _LATEST:
            sql, values = f"{sql} AND {column} <= {self._mark}", [*values, sql_time(high)]
        return sql, values

    def _behind(self, at: str, id_: str, stretch: Stretch, *, as_time: bool) -> tuple[str, list[Any]]:
        if stretch.after is None:
            return "", []
        sign = "<" if stretch.newest_first else ">"
        moment = sql_time(stretch.after[0]) if as_time else stretch.after[0]
        return f" AND ({at} {sign} {self._mark} OR {id_} {sign} {self._mark})", [moment, stretch.after[1]]

    def _also(self, also: Sequence[What]) -> tuple[str, str, list[Any]]:
        """What is joined to the terms ``t``, the conditions, and their values."""
        join, sql, values = "", "", list[Any]()
        for one in also:
            if isinstance(one, Part):
                join = " JOIN calls c ON c.id = t.call_id"
                columns = NUMBERS if one.kind == NUMBER else ("names",)
                held = " OR ".join(f"INSTR(c.{column}, {self._mark}) > 0" for column in columns)
                sql += f" AND ({held})"
                values += [one.text] * len(columns)
            else:
                terms = _terms_of(one)
                same = "x.facets = t.facets AND x.at = t.at AND x.call_id = t.call_id"
                sql += f" AND EXISTS (SELECT 1 FROM call_terms x WHERE x.term IN ({self._marks(terms)}) AND {same})"
                values += terms
        return join, sql, values

    def _marks(self, values: Collection[Any]) -> str:
        return ",".join([self._mark] * len(values))


def _terms_of(what: What) -> tuple[str, ...]:
    """None of a part: it is not known which."""
    if isinstance(what, Part):
        return ()
    return (what,) if isinstance(what, str) else what.terms
