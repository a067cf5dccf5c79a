"""Calls through a real Asterisk: who rings, what explain said about it before, and the journal's row of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from lab.phone import BUSY, NO_ANSWER, UNAVAILABLE, Answer, Behaviour, Phone
from lab.stack import Stack, running_stack
from lab.watch import until_file
from tests.pbx.journal import JournalReader
from waybell.people.demo import COMPANY_NUMBER
from waybell.prompts import make_prompts

pytestmark = [pytest.mark.pbx, pytest.mark.asyncio(loop_scope="module")]

BORIS, SEMYON, TIMUR = "79010000011", "79010000012", "79020000013"
RESULT: dict[Behaviour, str] = {BUSY: "BUSY", NO_ANSWER: "NOANSWER", UNAVAILABLE: "CHANUNAVAIL"}


@dataclass(frozen=True)
class Case:
    """A call: who rings, how the phones behave (all others answer), what must come of it."""

    name: str
    caller: str
    phones: dict[str, Behaviour] = field(default_factory=dict)
    answered_by: str | None = None
    status: str = "answered"
    keys: str = ""
    everybody: Behaviour = Answer(after=0.1)  # noqa: RUF009 - a frozen value


CASES = [
    Case("the recipient reaches the courier", "79161000001", answered_by=BORIS),
    Case("a courier who is busy leaves it to the manager", "79161000001", {BORIS: BUSY, "100": BUSY}, "199"),
    Case(
        "a courier who does not answer leaves it to the manager", "79161000001", {BORIS: NO_ANSWER, "100": BUSY}, "199"
    ),
    Case(
        "a courier who is unreachable leaves it to the manager", "79161000001", {BORIS: UNAVAILABLE, "100": BUSY}, "199"
    ),
    Case("courier and manager busy: the office", "79161000001", {BORIS: BUSY, "199": BUSY, "100": BUSY}, "500"),
    Case("everybody is busy", "79161000001", everybody=BUSY, status="busy"),
    Case("nobody answers", "79161000003", everybody=NO_ANSWER, status="missed"),
    Case("nobody can be reached", "79161000003", everybody=UNAVAILABLE, status="failed"),
    Case("a courier without a manager leaves it to the office", "79161000004", {SEMYON: BUSY}, "500"),
    Case("a courier with only a private phone", "79161000005", answered_by=TIMUR),
    Case("two parcels with one courier need no menu", "79161000006", answered_by=BORIS),
    Case("the menu's second key", "79161000002", keys="2", answered_by=SEMYON),
    Case("a wrong key, then a right one", "79161000002", keys="93", answered_by=TIMUR),
    Case("three wrong keys", "79161000002", keys="98#", answered_by="500"),
    Case("nothing in a courier's hands", "79161000003", answered_by="500"),
    Case("a courier reaches the manager", "79020000013", answered_by="101"),
    Case("a courier without a manager reaches the office", "79010000012", answered_by="500"),
    Case("a courier who awaits a parcel is a courier", "79010000014", answered_by="101"),
    Case("a client reaches the manager", "74950000101", {"100": BUSY}, "199"),
    Case("a client without a manager reaches the office", "74950000102", answered_by="500"),
    Case("a contact person reaches the client's manager", "79055000201", {"100": BUSY}, "199"),
    Case("a stranger reaches the office", "79990000000", answered_by="500"),
    Case("an anonymous caller reaches the office", "anonymous", answered_by="500"),
    Case("an invalid number reaches the office", "0000", answered_by="500"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    directory: Path = tmp_path_factory.mktemp("calls")
    async with running_stack(
        directory, changes={"calls": {"company_number": COMPANY_NUMBER, "ring_seconds": 1}}
    ) as all_:
        make_prompts(all_.pbx.sounds_dir, ("ru",))
        yield all_


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def every_call_is_journalled_before_the_next_test(stack: Stack) -> AsyncIterator[None]:
    yield
    ended = await until_file(stack.pbx.cel_path, all_ended)
    async with JournalReader(stack) as journal:
        await journal.finished(ended)


def all_ended(log: str) -> int:
    """How many conversations the event log has; 0 while one of them goes on."""
    started = log.count('"CHAN_START","CHAN_START"') - log.count('"HANGUP","HANGUP"')
    return 0 if started else log.count('"LINKEDID_END","LINKEDID_END"')


def set_phones(stack: Stack, case: Case) -> None:
    for phone in (stack.provider, stack.office):
        phone.calls.clear()
        phone.default = case.everybody
        phone.behaviours = dict(case.phones)


async def place(stack: Stack, case: Case) -> None:
    """The whole call, from the INVITE to the last BYE."""
    call = await stack.provider.call(COMPANY_NUMBER, case.caller)
    if case.keys:
        await call.answered()
    for key in case.keys:
        steps = steps_taken(stack)
        await call.send_dtmf(key)
        await a_step_after(stack, steps)
    if case.answered_by is None:
        await call.ended(deadline=20)
        return
    phone = phone_of(stack, case.answered_by)
    taker = await phone.called(case.answered_by, deadline=20)
    await taker.media.heard(deadline=20)
    await call.hangup()
    await taker.ended()


async def a_step_after(stack: Stack, steps: int) -> None:
    await until_file(stack.pbx.cel_path, lambda _: steps_taken(stack) > steps)


def steps_taken(stack: Stack) -> int:
    """How many notes of ours stand in the event log."""
    return stack.pbx.cel_path.read_bytes().count(b'"WAYBELL","USER_DEFINED"')


def phone_of(stack: Stack, number: str) -> Phone:
    return stack.office if len(number) == 3 else stack.provider


async def explained(stack: Stack, number: str) -> dict[str, Any]:
    code, output, errors = await stack.waybell.command("explain", number, "--did", COMPANY_NUMBER, "--json")
    assert (code, errors) == (0, "")
    route: dict[str, Any] = json.loads(output)["route"]
    return route


def foretold(route: dict[str, Any], case: Case) -> list[tuple[str, str, tuple[str, ...]]]:
    """The steps that ``explain`` says this call takes when the phones and the caller behave so."""
    keys, steps = list(case.keys), [step_of(route)]
    while route["verb"] != "hangup" and not (route["verb"] == "dial" and case.answered_by in steps[-1][2]):
        result = keys.pop(0) if route["verb"] == "menu" else dial_result(steps[-1][2], case)
        branch = [branch for branch in route["then"] if result in branch["on"]]
        if not branch and keys:
            steps.append(("menu", "wrong key: the choice is offered again", ()))
            continue
        # A third wrong key leads where a time-out does.
        route = branch[0] if branch else next(branch for branch in route["then"] if "TIMEOUT" in branch["on"])
        steps.append(step_of(route))
    return steps


def step_of(route: dict[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    return route["verb"], route["why"], tuple(target["number"] for target in route["targets"])


def dial_result(numbers: tuple[str, ...], case: Case) -> str:
    results = {RESULT[case.phones.get(number, case.everybody)] for number in numbers}
    return results.pop() if len(results) == 1 else "NOANSWER"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_call_goes_where_explain_says_and_the_journal_tells_it(stack: Stack, case: Case) -> None:
    set_phones(stack, case)
    before = await explained(stack, case.caller)
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        await place(stack, case)
        row = await journal.next_call(known)
    assert row["status"] == case.status
    assert (row["answered_by"] or {}).get("number") == case.answered_by
    assert row["dialed"] == COMPANY_NUMBER
    told = foretold(before, case)
    assert [(step["verb"], step["why"]) for step in row["route"]] == [(verb, why) for verb, why, _ in told]
    rung = [number for _, _, numbers in told for number in numbers]
    assert sorted(leg["number"] for leg in row["legs"]) == sorted(rung)
    invited = sorted(call.user for phone in (stack.provider, stack.office) for call in phone.calls)
    assert invited == sorted(rung)


async def test_the_courier_sees_the_company_and_the_parcel_only(stack: Stack) -> None:
    case = Case("masked", "79161000001", answered_by=BORIS)
    set_phones(stack, case)
    await place(stack, case)
    invite = stack.provider.calls[0].invite
    assert b"79161000001" not in invite.raw
    assert COMPANY_NUMBER.encode() in invite.header("From")
    assert "Посылка 10".encode() in invite.header("From")


async def test_a_caller_who_gives_up_while_it_rings_is_one_missed_call(stack: Stack) -> None:
    set_phones(stack, Case("", "", everybody=NO_ANSWER))
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        call = await stack.provider.call(COMPANY_NUMBER, "79161000001")
        await stack.provider.called(BORIS)
        await call.cancel()
        row = await journal.next_call(known)
    assert (row["status"], row["answered_at"], len(row["legs"])) == ("missed", None, 1)
    assert [step["result"] for step in row["route"]] == ["CANCEL"]


async def test_a_caller_who_gives_up_in_the_menu_is_one_missed_call(stack: Stack) -> None:
    set_phones(stack, Case("", ""))
    async with JournalReader(stack) as journal:
        known = await journal.ids()
        call = await stack.provider.call(COMPANY_NUMBER, "79161000002")
        await call.answered()
        await call.hangup()
        row = await journal.next_call(known)
    assert (row["status"], row["legs"], row["answered_by"]) == ("missed", [], None)
    assert [step["verb"] for step in row["route"]] == ["menu"]


async def test_a_menu_without_a_key_goes_to_the_office(stack: Stack) -> None:
    set_phones(stack, Case("", ""))
    call = await stack.provider.call(COMPANY_NUMBER, "79161000002")
    office = await stack.office.called("500", deadline=60)
    assert not stack.provider.calls
    await office.media.heard()
    await office.hangup()
    await call.ended()


async def test_a_rebuilt_journal_has_the_same_rows(stack: Stack) -> None:
    async with JournalReader(stack) as journal:
        before = await journal.rows()
        code, output, _ = await stack.waybell.command("journal", "rebuild", "--json")
        assert code == 0
        assert json.loads(output)["calls"] == len(before) > 1
        assert await journal.rows() == before
