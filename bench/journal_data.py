"""A journal of millions of made-up calls.

The first are made by Waybell's own code, index and all. The database then copies them, each time a stretch later and
with other numbers and parcels: what Python would need hours for takes minutes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bench.rounds import Say
from waybell.calls.rows import to_row
from waybell.calls.search_index import index_some
from waybell.calls.values import Call, Direction, Leg, Party, RouteStep, Status
from waybell.store.migrate import migrate
from waybell.store.tables import calls

FIRST_SECOND = 1_669_075_200  # 2022-11-22
PERIOD_SECONDS = 4 * 365 * 86_400
COMPANY = "74951234567"
_BATCH = 5_000
_FIRST = "Иван Анна Мария Сергей Елена Алексей Ольга Дмитрий Наталья Андрей Михаил Ирина Павел Артём Фёдор Зоя Tom José"
_ROOTS = "Иван Петр Сидор Кузнец Смирн Попов Соколов Лебед Козл Новик Мороз Волк Соловь Зайц Семен Голуб Воробь Фёдор"
_ENDS = "ов ова енов енова инский инская евенко овчук арян утдзе олин ичина"
_STATUSES = {"answered": 70, "missed": 15, "busy": 8, "failed": 4, "rejected": 2, "interrupted": 1}
_DIRECTIONS = {"inbound": 80, "callback": 12, "outbound": 7, "internal": 1}
_KINDS = {"recipient": 60, "courier": 15, "client": 15, "": 10}


async def fill(engine: AsyncEngine, number: int, say: Say, first: int = 200_000) -> None:
    """Makes ``number`` calls of the last four years, of which Python makes ``first`` (a part of them all)."""
    await migrate(engine)
    copies = max(1, round(number / first))
    first = number // copies
    stretch = PERIOD_SECONDS // copies
    source = random.Random(1)
    async with engine.begin() as connection:
        for begin in range(0, first, _BATCH):
            say(f"filling the journal: {begin:,} of {number:,} calls")
            made = [_row(call(source, n, stretch * n / first)) for n in range(begin, min(begin + _BATCH, first))]
            await connection.execute(calls.insert(), made)
    done = 0
    while indexed := await index_some(engine, _BATCH):
        done += indexed
        say(f"indexing the journal: {done:,} of {first:,} calls")
    async with engine.connect() as connection:
        await _prepare(connection)
        for copy in range(1, copies):
            say(f"copying the journal: {copy * first:,} of {number:,} calls")
            for sql in _copying(connection.dialect.name, copy, copy * stretch):
                await connection.execute(text(sql))
            await connection.commit()
        for sql in ("DROP TABLE first_calls", "DROP TABLE first_terms"):
            await connection.exec_driver_sql(sql)
        analyse = "ANALYZE" if connection.dialect.name == "sqlite" else "ANALYZE TABLE calls, call_terms, search_runs"
        await connection.exec_driver_sql(analyse)
        await connection.commit()
        assert (await connection.execute(select(func.count()).select_from(calls))).scalar_one() == first * copies


def call(source: random.Random, number: int, second: float) -> Call:
    """One call, ``second`` seconds after the first; shares and names as in a courier company of some size."""
    status, direction, kind = (_drawn(source, shares) for shares in (_STATUSES, _DIRECTIONS, _KINDS))
    at = (FIRST_SECOND * 1000 + int(second * 1000)) * 1000
    courier, client, manager = _skewed(source, 1000), _skewed(source, 2000), str(200 + _skewed(source, 30))
    caller = _caller(source, kind, courier, client)
    answered = status == "answered"
    courier_party = Party(f"7901{courier:07}", f"Курьер {_name(random.Random(courier))}", "courier", str(courier))
    talk = float(source.randrange(600)) if answered else 0.0
    return Call(
        id=f"pbx1-{at // 1_000_000}.{number}",
        direction=Direction(direction),
        status=Status(status),
        started_at=at,
        answered_at=at + 8_000_000 if answered else None,
        ended_at=at + 8_000_000 + int(talk) * 1_000_000,
        caller=caller,
        dialed=COMPANY if direction == "inbound" else courier_party.number,
        answered_by=courier_party if answered else None,
        parcel=str(10_000_000 + number // 3) if kind else None,
        courier=str(courier) if kind and source.random() < 0.9 else None,
        client=str(client) if kind else None,
        manager=source.choice((manager, manager, f"199,{manager}")) if source.random() < 0.5 else None,
        wait_seconds=round(source.random() * 30, 1),
        ring_seconds=round(source.random() * 25, 1),
        talk_seconds=talk,
        legs=(Leg(courier_party.number, "PJSIP/trunk-0000001b", at, None, at, 16),) * source.choice((1, 2)),
        route=(
            RouteStep(at, "find", "dial", f"parcel {number // 3} is with courier {courier}", "NOANSWER", "crm"),
            RouteStep(at, "manager", "dial", "the courier did not answer, their manager is rung", "ANSWER", "crm"),
        ),
    )


def _row(made: Call) -> dict[str, object]:
    rating = (
        (5, 5, 5, 4, 3, 2, 1)[made.started_at // 1000 % 7] if made.answered_at and made.talk_seconds > 500 else None
    )
    times = {name: _moment(getattr(made, name)) for name in ("started_at", "answered_at", "ended_at")}
    return to_row(made, "pbx1") | times | {"rating": rating}


def _moment(at: int | None) -> object:
    from waybell.calls.values import utc

    return None if at is None else utc(at)


def _caller(source: random.Random, kind: str, courier: int, client: int) -> Party:
    if kind == "recipient":
        return Party(f"79{source.randrange(10**8, 10**9)}", _name(source), kind, str(source.randrange(10**7)))
    if kind == "courier":
        return Party(f"7901{courier:07}", f"Курьер {_name(random.Random(courier))}", kind, str(courier))
    if kind == "client":
        return Party(f"7499{client:07}", f"ООО {_name(random.Random(client))}", kind, str(client))
    return Party(f"7812{source.randrange(10**7):07}")


def _name(source: random.Random) -> str:
    return f"{source.choice(_FIRST.split())} {source.choice(_ROOTS.split())}{source.choice(_ENDS.split())}"


def _skewed(source: random.Random, number: int) -> int:
    """Below ``number``, small ones far more often: a few clients send most of the parcels."""
    return int(number * source.random() * source.random() * source.random())


def _drawn(source: random.Random, shares: dict[str, int]) -> str:
    return source.choices(list(shares), list(shares.values()))[0]


async def _prepare(connection: AsyncConnection) -> None:
    if connection.dialect.name != "sqlite":
        await connection.execute(text("SET SESSION sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')"))
    for sql in (
        "CREATE TABLE first_calls AS SELECT * FROM calls",
        "CREATE TABLE first_terms AS SELECT * FROM call_terms",
    ):
        await connection.exec_driver_sql(sql)
    await connection.commit()


def _copying(dialect: str, copy: int, seconds: int) -> Iterator[str]:
    """The statements that make copy ``copy`` of all calls, ``seconds`` later."""
    id_ = f"'pbx1-' || (CAST(substr({{id}}, 6, 10) AS UNSIGNED) + {seconds}) || substr({{id}}, 16)"
    digits = "CAST(substr({text}, {from_}) AS UNSIGNED)"
    number = f"'79' || substr('00000000' || ({digits} * {copy + 7} % 899999981 + 100000000), -9)"
    parcel = f"({digits} + {copy * 10_000_000})"
    changed = {
        "id": id_.format(id="id"),
        "caller_number": f"CASE WHEN caller_kind = 'recipient' THEN {number.format(text='caller_number', from_=3)} "
        "ELSE caller_number END",
        "parcel": parcel.format(text="parcel", from_=1),
    }
    for name in ("started_at", "answered_at", "ended_at"):
        changed[name] = (
            f"strftime('%Y-%m-%d %H:%M:%S', {name}, '+{seconds} seconds') || substr({name}, 20)"
            if dialect == "sqlite"
            else f"{name} + INTERVAL {seconds} SECOND"
        )
    names = [column.name for column in calls.c]
    values = ", ".join(changed.get(name, name) for name in names)
    yield f"INSERT INTO calls ({', '.join(names)}) SELECT {values} FROM first_calls"
    # Couriers' numbers begin with 7901 and keep what they are, so a recipient's may not.
    term = (
        f"CASE WHEN term LIKE 'n79%' AND term NOT LIKE 'n7901%' THEN 'n' || {number.format(text='term', from_=4)} "
        f"WHEN term LIKE 'p%' THEN 'p' || {parcel.format(text='term', from_=2)} ELSE term END"
    )
    yield (
        f"INSERT {'OR ' if dialect == 'sqlite' else ''}IGNORE INTO call_terms "
        f"SELECT {term}, facets, at + {seconds}000000, {id_.format(id='call_id')} FROM first_terms"
    )
    ignore = "INSERT OR IGNORE" if dialect == "sqlite" else "INSERT IGNORE"
    yield (
        f"{ignore} INTO search_runs SELECT DISTINCT {term}, facets FROM first_terms "
        "WHERE (term LIKE 'n79%' AND term NOT LIKE 'n7901%') OR term LIKE 'p%'"
    )
    from_ = f"SELECT DISTINCT {term} AS term FROM first_terms WHERE term LIKE 'n79%' AND term NOT LIKE 'n7901%'"
    series = " UNION ALL ".join(f"SELECT {start} AS start" for start in range(2, 11))
    yield (
        f"{ignore} INTO search_parts SELECT 'n' || substr(m.term, e.start), m.term "
        f"FROM ({from_}) AS m CROSS JOIN ({series}) AS e"
    )
