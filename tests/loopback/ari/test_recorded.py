"""What a real Asterisk sent, read again: which event tells what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ari_app.events import TYPES, ChannelDestroyed, ChannelEnteredBridge, ChannelStateChange, Dial
from tests.loopback.ari.recording import FIRST, RECORDED, SCENES, events, read

REFUSALS = {"busy": (17, 486), "declines": (21, 603), "not_found": (1, 404), "unreachable": (19, 480)}
REFUSALS["unavailable"] = (34, 503)


def end(scene: str, *, second: bool = False) -> tuple[int, int]:
    """Q.850 cause and SIP status of the first or second channel's end."""
    ends = [one for one in events(scene) if isinstance(one, ChannelDestroyed) and (one.channel_id != FIRST) == second]
    assert len(ends) == 1
    return ends[0].cause, ends[0].tech_cause


def dials(scene: str, caller: str) -> list[str]:
    """What became of what ``caller`` dialled; empty text is us."""
    return [one.dialstatus for one in events(scene) if isinstance(one, Dial) and one.caller_id == caller]


@pytest.mark.parametrize("scene", SCENES)
def test_every_recorded_message_is_an_event(scene: str) -> None:
    messages = read(scene).messages
    assert len(events(scene)) == len(messages)
    assert {json.loads(message)["type"] for message in messages} <= set(TYPES)


def test_there_is_a_recording_of_every_type() -> None:
    assert {type(one).__name__ for scene in SCENES for one in events(scene)} >= set(TYPES) - {"ApplicationReplaced"}


@pytest.mark.parametrize(("how", "told"), REFUSALS.items())
def test_the_end_of_the_phone_that_refused_tells_its_sip_status(how: str, told: tuple[int, int]) -> None:
    assert end(f"first_{how}") == told
    assert end(f"second_{how}", second=True) == told


def test_the_first_channels_end_is_no_word_on_the_second_phone() -> None:
    assert end("second_declines", second=True)[1] == 603
    assert end("second_declines")[1] == 403, "what the dialplan's Hangup(21) would be"


@pytest.mark.parametrize("scene", ["first_no_answer", "first_silent"])
def test_a_first_phone_that_rings_out_ends_without_a_dialstatus(scene: str) -> None:
    assert end(scene) == (19, 480)
    assert "NOANSWER" not in dials(scene, "")


def test_a_second_phone_that_rings_out_ends_without_a_cause() -> None:
    assert dials("second_no_answer", FIRST) == ["", "RINGING", "NOANSWER"]
    assert end("second_no_answer", second=True) == (0, 0)


@pytest.mark.parametrize("scene", ["first_answers_and_hangs_up", "first_rings_and_answers"])
def test_a_phone_that_hangs_up_in_the_dialplan_ends_without_a_cause(scene: str) -> None:
    assert end(scene) == (0, 0)


@pytest.mark.parametrize(("how", "status"), [("busy", "BUSY"), ("unavailable", "CONGESTION"), ("declines", "NOANSWER")])
def test_a_dialstatus_tells_less_than_the_sip_status(how: str, status: str) -> None:
    assert dials(f"first_{how}", "")[-1] == status
    assert dials(f"second_{how}", FIRST)[-1] == status


def test_who_talks_is_in_a_bridge() -> None:
    told = events("second_answers_and_hangs_up")
    bridged = [one for one in told if isinstance(one, ChannelEnteredBridge)]
    assert len(bridged) == 2
    assert FIRST in {one.channel_id for one in bridged}
    ups = [one for one in told if isinstance(one, ChannelStateChange) and one.state == "Up"]
    assert told.index(ups[1]) < told.index(bridged[0])


def test_a_recording_names_no_machine() -> None:
    for path in sorted(Path(RECORDED).glob("*.jsonl")):
        for line in path.read_text().splitlines():
            assert json.loads(line).get("asterisk_id", "00:00:00:00:00:00") == "00:00:00:00:00:00"
