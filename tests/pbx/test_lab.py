"""The laboratory itself: what later tests rely on when they say that a call went somewhere."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import sip
from lab.asterisk import Asterisk, AsteriskFailedError
from lab.dialog import CallEndedError
from lab.pbx_config import PROJECT, PbxSettings, render
from lab.phone import BUSY, NO_ANSWER, SILENCE, Answer, Reject
from lab.sipp import Load, answering, call_load
from lab.watch import until_file

from .conftest import MakeAsterisk, MakePhones, Phones

pytestmark = pytest.mark.pbx

RECIPIENT, COURIER, COMPANY = "79161234567", "79010000011", "74951234567"

DIALPLAN = """
[waybell-incoming]
exten => _X!,1,NoOp(${CALLERID(name)})
 same => n,Dial(PJSIP/100,5)
 same => n,Hangup(${HANGUPCAUSE})

[waybell-outgoing]
exten => keys,1,Answer()
 same => n,Read(KEYS,,4,,1,3)
 same => n,Set(GLOBAL(PRESSED)=${KEYS})
 same => n,Hangup()
exten => said,1,Playback(waybell/hello)
 same => n,Hangup()
exten => _X!,1,Dial(PJSIP/${EXTEN}@trunk,2)
 same => n,Hangup(${HANGUPCAUSE})
"""

ADDED = """
[waybell-incoming]
exten => _X!,1,Dial(PJSIP/777)
"""

RUNNER = """
import asyncio, sys
from pathlib import Path
from lab.asterisk import Asterisk

async def main():
    async with Asterisk(Path(sys.argv[1])) as pbx:
        print(pbx.pid, pbx.directory, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def pbx(asterisk: MakeAsterisk) -> Asterisk:
    return await asterisk(extra_files={"waybell.conf": DIALPLAN})


@pytest.fixture
async def around(pbx: Asterisk, phones: MakePhones) -> Phones:
    return await phones(pbx)


async def test_an_extensions_call_reaches_the_trunk_with_all_its_headers_and_ends_with_a_bye(around: Phones) -> None:
    around.provider.behaviours[COURIER] = Answer()
    call = await around.office.call(COURIER, "100", "Ivan")
    arrived = await around.provider.called(COURIER)
    await call.answered()
    await asyncio.gather(call.media.heard(5), arrived.media.heard(5))
    await call.hangup()
    ended = await arrived.ended()
    assert (arrived.user, arrived.caller) == (COURIER, "100")
    assert arrived.invite.header("User-Agent") == b"Asterisk"
    assert arrived.invite.raw.startswith(b"INVITE sip:79010000011@127.0.0.2:")
    assert (ended.status, ended.by_us) == (200, False)


async def test_a_call_from_the_trunk_rings_an_extension_whoever_it_claims_to_be(around: Phones) -> None:
    around.office.behaviours["100"] = Answer()
    call = await around.provider.call(COMPANY, "101")
    arrived = await around.office.called("100")
    await call.answered()
    await arrived.hangup()
    assert arrived.caller == "101"
    assert not (await call.ended()).by_us


@pytest.mark.parametrize(("status", "seen"), [(486, 486), (603, 403), (404, 404), (503, 503), (480, 480)])
async def test_a_refusal_comes_back_to_the_caller(around: Phones, status: int, seen: int) -> None:
    around.provider.behaviours[COURIER] = Reject(status)
    call = await around.office.call(COURIER, "100")
    assert (await call.ended()).status == seen


async def test_awaiting_the_answer_of_a_busy_phone_says_that_it_is_busy(around: Phones) -> None:
    around.provider.behaviours[COURIER] = BUSY
    call = await around.office.call(COURIER, "100")
    with pytest.raises(CallEndedError, match="486"):
        await call.answered()


async def test_a_caller_who_gives_up_stops_the_ringing(around: Phones) -> None:
    around.provider.behaviours[COURIER] = NO_ANSWER
    call = await around.office.call(COURIER, "100")
    arrived = await around.provider.called(COURIER)
    await call.ringing()
    assert (await call.cancel()).status == 487
    ended = await arrived.ended()
    assert (ended.status, ended.by_us) == (487, False)
    assert not arrived.is_answered


async def test_a_phone_that_hangs_up_by_itself_after_its_talk(around: Phones) -> None:
    around.provider.behaviours[COURIER] = Answer(after=0.1, talk=0.1)
    call = await around.office.call(COURIER, "100")
    await call.answered()
    assert (await call.ended()).status == 200


async def test_a_silent_phone_gets_the_invite_again_but_counts_one_call(around: Phones) -> None:
    around.provider.behaviours[COURIER] = SILENCE
    call = await around.office.call(COURIER, "100")
    arrived = await around.provider.called(COURIER)
    assert not (await call.ended(10)).by_us
    assert around.provider.repeated[0].raw == arrived.invite.raw
    assert len(around.provider.calls) == 1


@pytest.mark.parametrize("info", [False, True], ids=["rfc4733", "info"])
async def test_pressed_keys_arrive_in_the_dialplan(pbx: Asterisk, around: Phones, info: bool) -> None:
    call = await around.office.call("keys", "100")
    await call.answered()
    await call.send_dtmf("1905", info=info)
    await call.ended(10)
    assert "1905" in await pbx.rx("dialplan show globals")


async def test_pressed_keys_arrive_at_the_other_phone(around: Phones) -> None:
    around.provider.behaviours[COURIER] = Answer()
    call = await around.office.call(COURIER, "100")
    await call.answered()
    arrived = await around.provider.called(COURIER)
    await arrived.media.heard(5)
    await call.send_dtmf("42*")
    await arrived.media.pressed("42*")


async def test_any_bytes_in_a_display_name_arrive(around: Phones) -> None:
    around.office.behaviours["100"] = Answer()
    name = "Пётр".encode("cp1251") + "📦 ".encode() + b" %0a%0d$[1]&"
    call = await around.provider.call(COMPANY, RECIPIENT, name)
    arrived = await around.office.called("100")
    assert b'From: "' + name + b'" <sip:' in call.invite.raw
    # Asterisk itself replaces what is no UTF-8 and passes all else on.
    assert "📦  %0a%0d$[1]&".encode() in arrived.invite.header("From")
    await call.answered()
    await call.hangup()


async def test_a_line_feed_in_a_callers_number_arrives_in_the_dialplan(pbx: Asterisk, around: Phones) -> None:
    call = await around.provider.call(COMPANY, b"7916%0a%0a200%20result=1")
    await around.office.called("100")
    log = await until_file(pbx.cel_path, lambda text: text if "CHAN_START" in text else None)
    assert '"7916\n\n200 result=1"' in log
    await call.ended()


async def test_two_instances_at_once_do_not_meet(asterisk: MakeAsterisk, phones: MakePhones) -> None:
    one, two = await asyncio.gather(*(asterisk(extra_files={"waybell.conf": DIALPLAN}) for _ in range(2)))
    around_one, around_two = [await phones(pbx) for pbx in (one, two)]
    around_one.provider.behaviours[COURIER] = Answer()
    call = await around_one.office.call(COURIER, "100")
    await call.answered()
    await call.hangup()
    assert one.directory != two.directory
    assert not around_two.provider.calls
    assert "0 calls processed" in await two.rx("core show channels")
    assert "1 call processed" in await one.rx("core show channels")


async def test_the_event_log_and_the_call_records_are_written(pbx: Asterisk, around: Phones) -> None:
    call = await around.office.call(COURIER, "100")
    await call.ended()
    log = await until_file(pbx.cel_path, lambda text: text if "LINKEDID_END" in text else None)
    assert log.startswith('"CHAN_START","CHAN_START",""')
    assert f'"{COURIER}"' in log
    await until_file(pbx.cdr_path, lambda text: COURIER in text)


async def test_a_recording_of_ones_own_is_played(pbx: Asterisk, around: Phones) -> None:
    folder = pbx.sounds_dir / "ru" / "waybell"
    folder.mkdir()
    (folder / "hello.ulaw").write_bytes(b"\xff" * 1600)
    call = await around.office.call("said", "100")
    await call.ended()
    assert "does not exist" not in pbx.log_tail()


async def test_ari_answers_on_loopback(pbx: Asterisk) -> None:
    url = f"{pbx.ari_url}/ari/asterisk/info?api_key=waybell:{pbx.settings.ari_password}"
    with await asyncio.to_thread(urllib.request.urlopen, url, timeout=5) as reply:
        assert json.load(reply)["system"]["version"].startswith("22.")


async def test_a_start_logs_no_error_and_asterisk_is_not_root(pbx: Asterisk) -> None:
    assert "ERROR" not in pbx.log_tail(200)
    status = _process_status(pbx)
    assert "Name:\tasterisk" in status
    assert "Uid:\t0" not in status


async def test_an_asterisk_that_cannot_start_says_why(asterisk: MakeAsterisk) -> None:
    with pytest.raises(AsteriskFailedError, match=r"no_such_module"):
        await asterisk(extra_files={"modules_custom.conf": "require = no_such_module.so\n", "waybell.conf": DIALPLAN})


async def test_killing_it_and_stopping_it_leaves_nothing_behind(asterisk: MakeAsterisk) -> None:
    pbx = await asterisk(extra_files={"waybell.conf": DIALPLAN})
    await pbx.kill9()
    await pbx.stop()
    assert not pbx.directory.exists()
    assert not _process_status(pbx)


async def test_asterisk_dies_with_a_test_run_that_is_killed(rootfs: Path) -> None:
    runner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUNNER, str(rootfs), stdout=asyncio.subprocess.PIPE, cwd=PROJECT
    )
    assert runner.stdout is not None
    pid, directory = (await runner.stdout.readline()).split()
    gone = asyncio.Event()
    watch = os.pidfd_open(int(pid))
    asyncio.get_running_loop().add_reader(watch, gone.set)
    runner.kill()
    await asyncio.wait_for(gone.wait(), 5)
    asyncio.get_running_loop().remove_reader(watch)
    os.close(watch)
    await runner.wait()
    shutil.rmtree(directory)


async def test_sipp_calls_at_a_rate_and_counts_what_came_through(pbx: Asterisk) -> None:
    load = Load([(RECIPIENT, COMPANY), (COURIER, COMPANY)], calls=20, rate=20, hold_ms=100)
    async with answering(pbx.phones_address, ring_ms=50):
        result = await call_load(load, pbx.sip_address, (pbx.settings.trunk_host, 0))
    assert (result.created, result.successful, result.failed) == (20, 20, 0), result.errors
    assert len(result.ring_ms) == len(result.answer_ms) == 20
    assert min(result.answer_ms) >= 40


async def test_sipp_counts_the_calls_that_nobody_answered(pbx: Asterisk, around: Phones) -> None:
    load = Load([(RECIPIENT, COMPANY)], calls=2, rate=10)
    result = await call_load(load, pbx.sip_address, (pbx.settings.trunk_host, 0))
    assert (result.successful, result.failed) == (0, 2)
    assert len(around.office.calls) == 2


async def test_extensions_are_added_and_globals_set(asterisk: MakeAsterisk, phones: MakePhones) -> None:
    pbx = await asterisk(extensions=["777"], dialplan_globals={"EXTRA": "1"}, extra_files={"waybell.conf": ADDED})
    around = await phones(pbx)
    around.office.behaviours["777"] = Answer()
    call = await around.provider.call(COMPANY, RECIPIENT)
    await call.answered()
    assert "EXTRA=1" in await pbx.rx("dialplan show globals")


def test_every_placeholder_of_the_configuration_has_a_value() -> None:
    assert not re.findall(r"@[A-Z_]+@", "".join(render(PbxSettings()).values()))


@pytest.mark.parametrize(
    "noise",
    [b"", b"\r\n\r\n", b"\0\xff" * 50, b"INVITE", b"SIP/2.0 ", b"SIP/2.0 999999 x\r\n:\r\n\r\n", b"A B\r\n\xff: \xfe"],
)
def test_noise_is_read_without_an_error(noise: bytes) -> None:
    message = sip.parse(noise)
    look: list[Callable[[sip.Message], object]] = [lambda m: m.user, lambda m: m.status, lambda m: m.branch]
    assert message is None or all(isinstance(one(message), str | int | bytes) for one in look)


def _process_status(pbx: Asterisk) -> str:
    status = Path(f"/proc/{pbx.pid}/status")
    return status.read_text() if status.exists() else ""
