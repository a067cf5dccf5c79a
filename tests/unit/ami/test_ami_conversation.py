"""What an AMI peer is answered, without sockets."""

from __future__ import annotations

import asyncio
import hashlib
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from ami_app.conversation import Conversation, Desk
from ami_app.limits import Counters, Limits
from ami_app.messages import Action, Answer, Response, Unreadable
from ami_app.users import by_name
from tests.unit.ami.company import COURIER, CUSTOMER, SECRET, FakeCallbacks, Lines, user
from waybell.callbacks.values import ByPhones, Reason, RefusedError
from waybell.throttle import Throttled

HERE = ip_address("127.0.0.1")
DENIED = Answer(Response.ERROR, "Permission denied")
REFUSED = Answer(Response.ERROR, "Authentication failed", ends=True)
ACCEPTED = Answer(Response.SUCCESS, "Authentication accepted")
QUEUED = Answer(Response.SUCCESS, "Originate successfully queued")
ASKED = {"Channel": f"SIP/trunk/{COURIER}", "Exten": CUSTOMER, "Context": "outgoing", "Priority": "1"}


class Office:
    """A desk with everything behind it, and conversations at it."""

    def __init__(self, *users: Any, **limits: Any) -> None:
        self.callbacks = FakeCallbacks()
        self.counters = Counters()
        self.lines = Lines()
        self.now = 0.0
        self.slept: list[float] = []
        names = by_name(users or [user()])
        log = Throttled(self.lines)
        self.desk = Desk(
            self.callbacks,
            names,
            Limits(**limits),
            self.counters,
            log,
            monotonic=lambda: self.now,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def peer(self, address: str = "127.0.0.1") -> Conversation:
        """A peer that has just connected."""
        return Conversation(self.desk, ip_address(address))

    async def logged_in(self) -> Conversation:
        """A peer that has said who it is."""
        peer = self.peer()
        assert await peer.answer(login()) == ACCEPTED
        return peer


def action(name: str, **headers: str) -> Action:
    """An action; ``_`` stands for nothing special."""
    return Action(name, "", tuple(headers.items()))


def login(name: str = "measoft", secret: str = SECRET, **headers: str) -> Action:
    """A login in plain text."""
    return action("login", Username=name, Secret=secret, **headers)


def originate(**changes: str | None) -> Action:
    """The manual's request with some headers changed; ``None`` leaves one out."""
    headers = {name: value for name, value in (ASKED | changes).items() if value is not None}
    return action("originate", **headers)


def key(challenge: str, secret: str = SECRET) -> str:
    """What the protocol makes of both."""
    return hashlib.md5((challenge + secret).encode()).hexdigest()


# --- login


async def test_the_right_secret_lets_in_and_headers_about_events_change_nothing() -> None:
    peer = Office().peer()
    assert await peer.answer(login(Events="off", AuthType="plain")) == ACCEPTED
    assert peer.user == user()


@pytest.mark.parametrize(
    "wrong",
    [
        login(secret=SECRET + "x"),
        login(secret=SECRET[:-1]),
        login(secret=SECRET.lower()),
        login(secret=""),
        login(name="MEASOFT"),
        login(name=""),
        login(name="admin"),
        action("login"),
        action("login", Username="measoft"),
        action("login", Username="measoft", AuthType="MD5", Key=key("")),
        action("login", Username="measoft", AuthType="MD5"),
        login(AuthType="SHA1"),
    ],
)
async def test_any_other_login_is_refused_and_ends(wrong: Action) -> None:
    office = Office()
    peer = office.peer()
    assert await peer.answer(wrong) == REFUSED
    assert peer.user is None
    assert office.counters.login_failures == 1
    assert SECRET not in str(office.lines.lines)


async def test_a_challenge_answered_with_md5_lets_in() -> None:
    peer = Office().peer()
    answer = await peer.answer(action("challenge", AuthType="MD5"))
    (name, challenge), *_ = answer.fields
    assert (answer.response, name) == (Response.SUCCESS, "Challenge")
    reply = action("login", AuthType="MD5", Username="measoft", Key=key(challenge).upper())
    assert await peer.answer(reply) == ACCEPTED


async def test_a_challenge_is_good_for_its_own_peer_and_once() -> None:
    office = Office()
    one, other = office.peer(), office.peer()
    challenge = (await one.answer(action("challenge", AuthType="md5"))).fields[0][1]
    reply = action("login", AuthType="MD5", Username="measoft", Key=key(challenge))
    assert await other.answer(reply) == REFUSED
    assert await one.answer(action("login", AuthType="MD5", Username="measoft", Key=key(challenge, "x"))) == REFUSED
    assert await one.answer(reply) == REFUSED


async def test_another_kind_of_challenge_is_not_known() -> None:
    answer = await Office().peer().answer(action("challenge", AuthType="SHA256"))
    assert answer == Answer(Response.ERROR, "Must specify AuthType")


async def test_a_user_may_log_in_from_its_own_networks_only() -> None:
    near = user(name="near")
    far = user(name="far", networks=(ip_network("192.0.2.0/24"),))
    office = Office(near, far)
    assert await office.peer("192.0.2.7").answer(login("far")) == ACCEPTED
    assert await office.peer("192.0.2.7").answer(login("near")) == REFUSED
    assert await office.peer("127.0.0.1").answer(login("far")) == REFUSED


async def test_guessing_is_slowed_down_also_for_the_right_secret_and_then_forgiven() -> None:
    office = Office()
    for _ in range(5):
        assert await office.peer().answer(login(secret="guess")) == REFUSED
    # Half a second before each refusal is told, and what is left of the wait for the next attempt.
    assert office.slept == [0.5, 0.5, 0.5, 0.5, 1.5, 0.5, 3.5, 0.5]
    assert await office.peer().answer(login()) == ACCEPTED
    assert office.slept[8:] == [7.5]
    assert await office.peer().answer(login()) == ACCEPTED
    assert len(office.slept) == 9


async def test_a_guess_too_many_is_not_looked_at() -> None:
    office = Office()
    for _ in range(5):
        await office.peer().answer(login(secret="guess"))
    waiting = [office.desk.guard.wait(HERE, office.now) for _ in range(2)]
    assert waiting == [7.5, None]
    slept = len(office.slept)
    assert await office.peer().answer(login()) == REFUSED
    assert len(office.slept) == slept


async def test_a_thousand_guesses_make_one_line_and_no_secret_is_in_it() -> None:
    office = Office()
    for number in range(1000):
        await office.peer().answer(login(secret=f"guess{number}"))
    assert office.lines.events == ["ami login refused"]
    assert "guess" not in str(office.lines.lines)


@pytest.mark.parametrize("name", ["ping", "originate", "command", "hangup", "events", "", "логин"])
async def test_before_login_everything_else_is_denied(name: str) -> None:
    office = Office()
    assert await office.peer().answer(action(name, **ASKED)) == DENIED
    assert office.callbacks.requests == 0


async def test_a_stranger_that_sends_no_message_is_closed() -> None:
    answer = await Office().peer().answer(Unreadable("a line is not 'Name: value'"))
    assert answer == Answer(Response.ERROR, "Unreadable message: a line is not 'Name: value'", ends=True)


async def test_logoff_needs_no_login() -> None:
    answer = await Office().peer().answer(action("logoff"))
    assert answer == Answer(Response.GOODBYE, "Thanks for all the fish.", ends=True)


# --- after login


async def test_ping_is_answered_with_the_time() -> None:
    answer = await (await Office().logged_in()).answer(action("ping"))
    assert answer.response is Response.SUCCESS
    assert answer.fields[0] == ("Ping", "Pong")
    assert float(answer.fields[1][1]) > 1e9


@pytest.mark.parametrize(
    "name",
    ["command", "login", "challenge", "redirect", "hangup", "getvar", "updateconfig", "agi", "events", "originate2"],
)
async def test_after_login_nobody_may_use_anything_else(name: str) -> None:
    peer = await Office().logged_in()
    assert await peer.answer(action(name, Command="core show channels")) == DENIED
    assert await peer.answer(originate()) == QUEUED


async def test_an_unreadable_message_after_login_is_an_error_and_the_next_is_read() -> None:
    peer = await Office().logged_in()
    assert not (await peer.answer(Unreadable("header Exten is given twice"))).ends
    assert await peer.answer(originate()) == QUEUED


async def test_the_manuals_request_asks_for_the_two_phones() -> None:
    office = Office()
    peer = await office.logged_in()
    assert await peer.answer(originate(WaitTime="30", CallerId="0")) == QUEUED
    (((owner, _), wish),) = office.callbacks.wishes.items()
    assert (owner, wish) == ("ami:measoft", ByPhones(COURIER, CUSTOMER))


@pytest.mark.parametrize("header", ["Timeout", "WaitTime", "CallerID", "callerid", "Async", "ASYNC", "EarlyMedia"])
async def test_a_header_that_decides_nothing_is_passed_over(header: str) -> None:
    assert await (await Office().logged_in()).answer(originate(**{header: "true"})) == QUEUED


@pytest.mark.parametrize(
    "header",
    [
        "Application",
        "Data",
        "Variable",
        "variable",
        "Codecs",
        "ChannelId",
        "OtherChannelId",
        "Account",
        "X-Any",
        "Secret",
    ],
)
async def test_a_header_that_could_decide_something_is_refused_by_name(header: str) -> None:
    office = Office()
    answer = await (await office.logged_in()).answer(originate(**{header: "System"}))
    assert answer == Answer(Response.ERROR, f"Header {header} is not allowed in an Originate")
    assert office.callbacks.requests == 0
    [(wanted, refusal)] = office.callbacks.refused_wishes
    assert isinstance(wanted, ByPhones)
    assert (wanted.caller, wanted.to, refusal.type) == (COURIER, CUSTOMER, "not-allowed")
    assert f"Header {header}" in refusal.detail


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Channel", None),
        ("Channel", "SIP/trunk/7900&SIP/trunk/7911"),
        ("Channel", "Local/s@anything"),
        ("Exten", None),
        ("Exten", ""),
        ("Exten", "+"),
        ("Exten", "7916@outgoing"),
        ("Exten", "7916&7917"),
        ("Exten", "7916,1"),
        ("Exten", "s"),
        ("Exten", "*67"),
        ("Exten", "٧٩"),
        ("Exten", "123456789012345678901"),
        ("Exten", "${EXTEN}"),
        ("Context", None),
        ("Context", "default"),
        ("Context", "Outgoing"),
        ("Context", "outgoing2"),
        ("Priority", "2"),
        ("Priority", "n"),
        ("Priority", "hint"),
    ],
)
async def test_any_other_value_is_refused_by_the_header_it_is_in(header: str, value: str | None) -> None:
    office = Office()
    answer = await (await office.logged_in()).answer(originate(**{header: value}))
    assert answer.response is Response.ERROR
    assert answer.message.startswith(f"Header {header} ")
    assert office.callbacks.requests == 0


async def test_a_refusal_of_the_rules_is_the_answer() -> None:
    office = Office()
    office.callbacks.refusal = RefusedError("premium", 403, "Number not allowed", "+7 809… costs money")
    answer = await (await office.logged_in()).answer(originate())
    assert answer == Answer(Response.ERROR, "Number not allowed: +7 809… costs money")
    assert office.counters.originate_refusals == 1


async def test_a_call_that_has_failed_already_is_an_error() -> None:
    office = Office()
    office.callbacks.ends_with = Reason.BUSY
    answer = await (await office.logged_in()).answer(originate())
    assert answer == Answer(Response.ERROR, "Originate failed: busy")


async def test_an_error_of_ours_is_an_answer_that_tells_nothing_of_it() -> None:
    office = Office()
    office.callbacks.failure = OSError("mysql://user:hidden@host cannot be reached")
    peer = await office.logged_in()
    answer = await peer.answer(originate())
    assert answer.response is Response.ERROR
    assert "hidden" not in answer.message
    assert office.lines.events == ["ami originate failed"]
    office.callbacks.failure = None
    assert await peer.answer(originate()) == QUEUED


async def test_a_request_that_hangs_is_answered_as_not_known() -> None:
    office = Office(request_seconds=0.01)
    office.callbacks.gate.clear()
    answer = await (await office.logged_in()).answer(originate())
    expected = "Originate failed: it took over 0.01 seconds; whether the call is placed is not known"
    assert answer == Answer(Response.ERROR, expected)


async def test_an_impatient_double_tap_is_one_call() -> None:
    office = Office()
    peers = [await office.logged_in() for _ in range(5)]
    answers = await asyncio.gather(*(peer.answer(originate()) for peer in peers))
    assert answers == [QUEUED] * 5
    assert (office.callbacks.requests, len(office.callbacks.calls)) == (5, 1)


async def test_two_users_that_ask_for_the_same_have_two_calls() -> None:
    office = Office(user(), user(name="other"))
    for name in ("measoft", "other"):
        peer = office.peer()
        await peer.answer(login(name))
        assert await peer.answer(originate()) == QUEUED
    assert {owner for owner, _ in office.callbacks.calls} == {"ami:measoft", "ami:other"}
