"""How ``waybell serve`` starts, refuses to, and stops."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import stat
from pathlib import Path

import pytest

from lab import waybell_process
from lab.waybell_process import Section, Waybell, free_port
from tests.loopback.serve.conftest import ENVIRONMENT, PARTS, Serve, ask_agi, own_settings
from waybell.serve import tell_supervisor


async def refused(folder: Path, *arguments: str, **sections: Section) -> str:
    """What ``serve`` says as it ends with code 2 instead of starting: one line."""
    waybell = Waybell(folder, own_settings(folder, free_port(), free_port(), sections))
    code, output, errors = await waybell.command("serve", *arguments)
    said = [line for line in errors.splitlines() if line.startswith("waybell: ")]
    assert (code, output, len(said)) == (2, "", 1), errors
    assert "Traceback" not in errors
    return said[0]


async def test_an_unknown_part_is_refused_with_those_there_are(tmp_path: Path) -> None:
    said = await refused(tmp_path, "--only", "agi,fax")
    assert said == "waybell: --only: fax: allowed are agi, journal, ari, web, ami, webhooks"


async def test_a_folder_of_queries_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    assert str(missing) in await refused(tmp_path, crm={"queries": str(missing)})


@pytest.mark.parametrize("text", [None, "{", "start: nowhere\nelements: {}\n"], ids=["missing", "no YAML", "no flow"])
async def test_a_flow_that_is_none_is_named(tmp_path: Path, text: str | None) -> None:
    flow = tmp_path / "flow.yaml"
    if text is not None:
        flow.write_text(text)
    assert str(flow) in await refused(tmp_path, routing={"flow": str(flow)})


@pytest.mark.parametrize("part", ["agi", "web"])
async def test_an_address_that_is_taken_is_named(tmp_path: Path, part: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        said = await refused(tmp_path, **{part: {"listen": listen}})
    assert said.startswith(f"waybell: {part}.listen: {listen} cannot be opened: ")


async def test_the_databases_it_makes_are_its_owners_alone(serve: Serve, tmp_path: Path) -> None:
    async with serve() as served:
        await served.until(lambda said: said["ready"])
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("*.db*")}
    assert {"waybell.db", "waybell-demo-crm.db"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def limited(folder: Path, monkeypatch: pytest.MonkeyPatch, ulimit: str) -> None:
    """Waybell starts with the open files that ``ulimit`` sets."""
    command = folder / "limited-waybell"
    command.write_text(f'#!/bin/sh\nulimit {ulimit} && exec {waybell_process.COMMAND} "$@"\n')
    command.chmod(0o755)
    monkeypatch.setattr(waybell_process, "COMMAND", command)


async def test_more_agi_connections_than_files_may_be_open_are_refused_with_how_many_are_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(tmp_path, monkeypatch, "-n 1000")
    said = await refused(tmp_path, agi={"max_connections": 800}, crm={"connections": 10})
    assert said.startswith("waybell: agi.max_connections: 800: up to 690 are allowed here, because ")
    async with Waybell(tmp_path, own_settings(tmp_path, free_port(), free_port(), {"agi": {"max_connections": 690}})):
        pass


async def test_it_opens_as_many_files_as_the_system_allows(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(tmp_path, monkeypatch, "-S -n 300")
    async with serve() as served:
        soft, hard = resource.prlimit(served.waybell.pid, resource.RLIMIT_NOFILE)
        assert soft == hard > 300


async def test_a_step_that_is_under_way_at_a_stop_is_let_finish(serve: Serve) -> None:
    async with serve() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.agi_port)
        writer.write(ENVIRONMENT)
        assert (await reader.readline()).startswith(b"SET VARIABLE")
        os.kill(served.waybell.pid, signal.SIGTERM)
        while await accepts(served.agi_port):  # noqa: ASYNC110 -- another process does it
            await asyncio.sleep(0.01)
        writer.write(b"200 result=1\n")
        assert await reader.read() == b""
        writer.close()
        assert await served.waybell.stop() == 0
        assert "sessions open" not in served.waybell.log_tail()


async def accepts(port: int) -> bool:
    """Whether anybody still listens at ``port``."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_a_store_that_accepts_and_says_nothing_keeps_no_stop_waiting(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql+asyncmy://waybell:secret@127.0.0.1:{silent.getsockname()[1]}/waybell"
        async with serve(store={"url": url}) as served:
            connected, _ = await asyncio.to_thread(silent.accept)
            with connected:
                assert (await ask_agi(served.agi_port)).startswith(b"SET VARIABLE")
                assert await served.waybell.stop() == 0


async def test_the_supervisor_hears_of_the_start_and_of_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        environment = {**waybell_process.own_environment(), "NOTIFY_SOCKET": str(tmp_path / "notify")}
        waybell = Waybell(tmp_path, own_settings(tmp_path, free_port(), free_port(), {}))
        process = await asyncio.create_subprocess_exec(
            waybell_process.COMMAND,
            *("serve", "--config", waybell.config, "--only", PARTS),
            cwd=tmp_path,
            env=environment,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert await asyncio.to_thread(supervisor.recv, 64) == b"READY=1"
        process.terminate()
        assert await asyncio.to_thread(supervisor.recv, 64) == b"STOPPING=1"
        assert await process.wait() == 0


@pytest.mark.parametrize("address", ["", "@waybell-nobody", "/nowhere/at/all"])
def test_a_supervisor_that_is_not_there_is_no_trouble(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    tell_supervisor("READY=1")
