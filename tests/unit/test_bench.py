"""The benchmark's own arithmetic: what it computes from what was measured, without measuring."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agi_app.grammar import parse_environment
from agi_app.limits import Limits
from bench.capacity import Held, best, last_that
from bench.empty_server import answer
from bench.figures import added, best_quarter, percentile, ratio, steady
from bench.memory import Memory
from bench.odbc import function_sections
from bench.rounds import Measured, turn
from bench.routes import RouteLog
from bench.sipp import kernel_form, ring_times
from bench.steps_client import environment
from bench.summary import summarise
from bench.traffic import PlannedCall, Traffic, all_extensions
from lab.crm_data import Company
from waybell.numbers import parse
from waybell.people.values import Lookup, Source
from waybell.routing import verbs
from waybell.routing.dialling import Dialling
from waybell.routing.flow import default_flow
from waybell.routing.step import Facts, step

NAMES = ("plain", "func_odbc", "empty", "waybell")


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(n) for n in range(1, 101)]
    random.Random(1).shuffle(values)
    assert percentile(values, 50) == 51
    assert percentile(values, 99) == 100
    assert percentile([7.0], 99) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_what_is_added_is_the_difference_of_the_medians_within_its_range() -> None:
    found = added([3.0, 4.0, 50.0], [1.0, 2.0, 3.0])
    assert found.median == 2
    assert found.low <= 2 <= found.high


def test_the_ratio_is_that_of_what_the_medians_add() -> None:
    found = ratio([6.2, 6.2, 6.2], [6.0, 6.0, 6.0], [5.0, 5.0, 5.0])
    assert (found.median, found.low, found.high) == pytest.approx((1.2, 1.2, 1.2))


def test_a_ratio_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="not above zero"):
        ratio([2.0], [1.0], [1.0])


def test_a_round_in_which_everything_took_longer_counts_as_the_others_do() -> None:
    assert steady([2.0, 3.0, 4.0], [0.2, 0.3, 0.4], 0.2) == pytest.approx([2.0] * 3)


def test_the_machine_is_at_its_best_in_the_quickest_quarter_of_the_rounds() -> None:
    assert best_quarter([0.9, 0.2, 0.4, 0.3, 0.5, 0.8, 0.1, 0.6]) == pytest.approx(0.15)
    assert best_quarter([0.3]) == 0.3


def test_every_variant_goes_first_in_turn() -> None:
    assert [next(iter(turn(NAMES, number))) for number in range(4)] == list(NAMES)
    assert sorted(turn(NAMES, 6)) == sorted(NAMES)


@pytest.mark.parametrize("limit", [0, 100, 250, 400, 1000])
async def test_the_highest_rate_is_found_by_halving(limit: int) -> None:
    rates = list(range(100, 500, 50))
    tried: list[int] = []

    async def holds(rate: int) -> bool:
        tried.append(rate)
        return rate <= limit

    found = await last_that(holds, rates)
    assert found == max((rate for rate in rates if rate <= limit), default=None)
    assert len(tried) <= 4


def test_a_rate_counts_only_if_nothing_failed_and_the_load_kept_time() -> None:
    tried = [
        Held(100, 100, 0, 0, 0.1),
        Held(200, 100, 0, 1, 0.1),
        Held(300, 100, 1, 0, 0.1),
        Held(400, 100, 0, 0, 9.0),
    ]
    assert best(tried) == 100
    assert best([]) == 0


def test_the_mix_is_as_said_and_no_number_calls_twice() -> None:
    company = Company()
    calls = Traffic(company).calls(1000)
    kinds = Counter(call.caller[:4] for call in calls)
    assert sum(kinds[prefix] for prefix in ("7910",)) == 600
    assert kinds["7903"] == 150
    assert kinds["7495"] + kinds["7906"] == 150
    assert kinds["7999"] == 100
    assert len({call.caller for call in calls}) == len(calls)


def test_no_recipient_calls_twice_in_a_whole_run() -> None:
    traffic = Traffic(Company())
    callers = [call.caller for _ in range(50) for call in traffic.calls(2000) if call.caller.startswith("7910")]
    assert len(set(callers)) == len(callers)


def test_every_call_of_a_recipient_is_for_the_courier_who_holds_the_parcel() -> None:
    company = Company()
    for call in Traffic(company).calls(500):
        if call.caller.startswith("7910"):
            parcel = int(call.caller) - 79_100_000_000
            assert company.in_hands(parcel)
            assert call.dial == f"PJSIP/{company.courier_number(company.courier_of(parcel))}@trunk"


def test_the_empty_server_rings_whom_the_call_is_planned_for() -> None:
    for call in Traffic(Company()).calls(200):
        assert answer(call.dialled).split(",")[2] == call.dial


def test_the_empty_server_answers_in_as_many_parts_as_waybell() -> None:
    nobody = Facts(parse("79990000001"), Dialling(), "30", Lookup((), Source.CRM))
    taken = step(default_flow(), None, "", nobody, datetime(2026, 1, 1, tzinfo=UTC))
    assert answer("30").count(",") == verbs.answer(taken).count(",")


def test_all_phones_that_can_ring_are_known_to_the_pbx() -> None:
    company = Company()
    known = set(all_extensions(company)) | {"500"}
    for call in Traffic(company).calls(500):
        if "@trunk" not in call.dial:
            assert {phone.removeprefix("PJSIP/") for phone in call.dial.split("&")} <= known


def test_a_first_step_is_asked_for_as_asterisk_does() -> None:
    planned = PlannedCall("79101234567", "30", "PJSIP/500")
    request = parse_environment(environment(planned, 1)[:-1], Limits())
    assert request.path.strip("/") == "step"
    assert request.args == ("", "", "30")
    assert request.variables["agi_callerid"] == "79101234567"


def test_func_odbc_gets_the_published_queries_with_the_number_quoted() -> None:
    text = function_sections()
    assert text.count("[") == text.count("dsn = courier") == 3
    assert text.count("c.VALUE = '${SQL_ESC(${ARG1})}'") == 3
    assert "--" not in text


def test_ringing_is_timed_from_the_invite_to_the_first_180(tmp_path: Path) -> None:
    def line(at: float, direction: str, call: str, text: str) -> str:
        return f"2026-11-22\t02:04:50.0\t{at:.6f}\t{direction}\t{call}\tCSeq:1 INVITE\t{text}\n"

    log = tmp_path / "messages.log"
    log.write_text(
        line(10.0, "S", "a", "INVITE sip:30@127.0.0.1 SIP/2.0")
        + line(10.001, "S", "b", "INVITE sip:30@127.0.0.1 SIP/2.0")
        + line(10.002, "R", "a", "SIP/2.0 100 Trying")
        + line(10.004, "R", "a", "SIP/2.0 180 Ringing")
        + line(10.5, "S", "b", "INVITE sip:30@127.0.0.1 SIP/2.0")
        + line(10.6, "R", "a", "SIP/2.0 180 Ringing")
        + line(11.001, "R", "b", "SIP/2.0 180 Ringing")
        + "half a line"
    )
    assert ring_times(log) == pytest.approx([4.0, 1000.0], abs=0.01)


def test_a_bound_socket_is_found_as_the_kernel_lists_it() -> None:
    assert kernel_form(("127.0.0.2", 5060)) == "0200007F:13C4"


def _record(event: str, unique: str, linked: str, num: str = "", app: str = "", data: str = "") -> str:
    fields = [event, event, "", "1.000000", "", num, "", "", "", "s", "waybell", "PJSIP/trunk-1", app, data]
    return ",".join(f'"{field}"' for field in (*fields, "", unique, linked, "", "", "")) + "\n"


def test_a_call_that_rings_another_phone_is_misrouted_and_each_is_looked_at_once(tmp_path: Path) -> None:
    log = tmp_path / "cel.csv"
    planned = [PlannedCall("79101", "30", "PJSIP/500"), PlannedCall("79102", "30", "PJSIP/500")]
    routes = RouteLog(log)
    assert routes.misrouted(planned) == 2
    right = _record("CHAN_START", "1.1", "1.1", "79101") + _record(
        "APP_START", "1.1", "1.1", "", "Dial", "PJSIP/500,25"
    )
    wrong = _record("CHAN_START", "1.2", "1.2", "79102") + _record(
        "APP_START", "1.2", "1.2", "", "Dial", "PJSIP/1001,25"
    )
    log.write_text(right + wrong + '"CHAN_ST')
    assert routes.misrouted(planned) == 1
    assert routes.misrouted(planned) == 2


def test_growth_is_what_the_second_half_of_the_calls_adds() -> None:
    memory = Memory(100, 50.0, (60.0, 70.0, 71.0, 72.0))
    assert memory.growth_mb == 2
    assert memory.last_mb == 72


def test_the_headline_is_waybells_addition_over_func_odbcs() -> None:
    def measured(asterisk: float, database: float = 0.0, app: float = 0.0) -> list[Measured]:
        slowness = (1.0, 1.2, 1.5, 1.0)  # of the machine, alike for all that runs on it
        return [
            Measured(
                {"asterisk": asterisk * n, "database": database * n, "app": app * n}, 0.3 * n, (1.0, 2.0), 0, 0, 0.0
            )
            for n in slowness
        ]

    found = summarise(
        {
            "plain": measured(5.0),
            "func_odbc": measured(5.5, 0.5),
            "empty": measured(5.5, 0.0, 0.25),
            "waybell": measured(5.5, 0.5, 0.2),
        },
        {"waybell": [Held(100, 10, 0, 0, 0.0)]},
    )
    assert found["ratio"]["median"] == pytest.approx(1.2)
    assert found["variants"]["waybell"]["cpu_ms_added"]["app"] == pytest.approx(0.2)
    assert found["variants"]["waybell"]["highest_rate"] == 100
    assert found["variants"]["plain"]["cpu_ms_added"]["total"]["median"] == 0
