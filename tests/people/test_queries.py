"""A folder of SQL files: what is read, what is refused, and that a refusal names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.people.conftest import SQL
from waybell.people.drivers import connect, read_url
from waybell.people.queries import IDENTIFY_COLUMNS, KNOWN, QueryError, load_queries, parse

EVERY = ", ".join(f"1 AS {column}" for column in IDENTIFY_COLUMNS)


def problems(text: str, name: str = "identify.sql") -> str:
    with pytest.raises(QueryError) as refused:
        parse(Path("mine") / name, text)
    return str(refused.value)


def test_measofts_folder_has_every_question_of_the_manual() -> None:
    assert set(load_queries("measoft").by_name) == set(KNOWN)


def test_the_identify_query_enters_through_the_indexed_number_and_asks_for_nothing_else() -> None:
    query = load_queries("measoft").identify
    assert query.parameters == ("number",)
    assert "c.VALUE = :number" in ":number".join(query.parts)


def test_parameters_in_text_comments_and_quoted_names_are_no_parameters() -> None:
    query = parse(
        Path("mine/identify.sql"),
        f"""SELECT {EVERY}, 'it''s :number', ":number", `:number`, '12:30' -- :number, isn't it
        /* :number ; ' */ FROM t # :number
        WHERE n = :number AND m=:number;
        """,
    )
    assert query.parameters == ("number", "number")
    assert query.text("?").endswith("WHERE n = ? AND m=?")


def test_percent_signs_reach_the_database_as_they_are_written() -> None:
    query = parse(Path("mine/identify.sql"), f"SELECT {EVERY} FROM t WHERE n = :number AND x LIKE '5%'")
    assert query.text("?").endswith("LIKE '5%'")
    assert query.text("%s") % ("1",) == query.text("1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "mine/identify.sql: must be one SELECT"),
        ("DELETE FROM users WHERE user = :number", "must be one SELECT (or WITH … SELECT); it begins with 'DELETE"),
        (f"SELECT {EVERY} WHERE n = :number; DROP TABLE users", "line 1: a second statement begins here"),
        (f"SELECT {EVERY} WHERE n = :nubmer", "parameter :nubmer is unknown; only :number is given"),
        (f"SELECT {EVERY} WHERE n = ?", "line 1: ? is no parameter here; write :number"),
        (f"SELECT {EVERY} WHERE n = %s", "%s is no parameter here; write :number"),
        (f"SELECT {EVERY}", "no parameter; it must ask for :number"),
        (f"SELECT {EVERY}\nWHERE n = :number AND x = 'abc", "line 2: ' is never closed"),
        (f"SELECT {EVERY} /* WHERE n = :number", "line 1: /* is never closed"),
        (f"SELECT {EVERY.replace('manager_name', 'manager')} WHERE n = :number", "column manager_name is missing"),
    ],
)
def test_a_file_that_cannot_work_is_refused_with_its_name_and_the_reason(text: str, said: str) -> None:
    assert said in problems(text)
    assert "mine/identify.sql" in problems(text)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("callback_parcel", "SELECT * FROM p WHERE code = :number", ":number is unknown; only :parcel is given"),
        ("callback_courier", "SELECT * FROM k WHERE code = ?", "line 1: ? is no parameter here; write :courier"),
        ("callback_clients", "SELECT client FROM k WHERE k = :courier", "column courier is missing"),
    ],
)
def test_a_callbacks_query_is_refused_like_any_other(name: str, text: str, said: str) -> None:
    told = problems(text, f"{name}.sql")
    assert said in told
    assert f"mine/{name}.sql" in told


def test_every_missing_column_is_named_at_once() -> None:
    text = problems("SELECT kind, id, name FROM t WHERE n = :number")
    assert all(f"column {column} is missing" in text for column in IDENTIFY_COLUMNS[3:])


def test_a_star_may_hold_every_column() -> None:
    parse(Path("mine/identify.sql"), "SELECT * FROM everybody WHERE n = :number")


def test_a_folder_without_identify_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "identfy.sql").write_text("SELECT 1")
    with pytest.raises(QueryError, match=r"identify\.sql is missing; the folder has identfy\.sql"):
        load_queries(tmp_path)


def test_an_unknown_folder_says_which_are_known() -> None:
    with pytest.raises(QueryError, match=r"'measotf' is neither a folder nor one that comes with .*example, measoft"):
        load_queries("measotf")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "identify.sql").write_bytes("SELECT 1 -- звонок".encode("cp1251"))
    with pytest.raises(QueryError, match=r"identify\.sql: cannot be read"):
        load_queries(tmp_path)


QUESTIONS = {
    ("recipient_courier", "79161000002"): {
        ("11", "Борис Курьер", "79010000011", "79020000011"),
        ("12", "Семён Курьер", "79010000012", "None"),
        ("13", "Тимур Курьер", "", "79020000013"),
    },
    ("courier_manager", "79010000011"): {("11", "Борис Курьер", "199,100")},
    ("client_manager", "74950000101"): {("101", "Книжный магазин", "199,100", "1")},
    ("client_manager", "79055000202"): {("102", "Чайная", "None", "1")},
    ("recipient_courier", "79161000003"): set(),
}


@pytest.mark.parametrize("crm_url", SQL, indirect=True)
async def test_the_single_questions_answer_the_same_in_every_database(crm_url: str) -> None:
    queries = load_queries("measoft").by_name
    session = await connect(read_url(crm_url), 100)
    for (name, number), expected in QUESTIONS.items():
        statement = await session.prepare(queries[name])
        rows, _ = await statement.fetch((number,))
        assert {tuple(map(str, row)) for row in rows} == expected
    rows, description = await (await session.prepare(queries["parcel_in_work"])).fetch(("79161000003",))
    names = [column[0] for column in description]
    assert [(row[names.index("Source")], row[names.index("company")]) for row in rows] == [(30, "Книжный магазин")]
    await session.close()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://u@h/d", "mysql+pymysql://u@h/d", "postgresql+asyncpg://u@h/d", "sqlite:///x.db"]
)
def test_an_unknown_kind_of_database_is_refused_by_the_settings_name(url: str) -> None:
    with pytest.raises(ValueError, match=r"^crm\.url: "):
        read_url(url)
