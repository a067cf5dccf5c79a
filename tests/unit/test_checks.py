"""The parts of ``waybell check`` that need no Asterisk and no database server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from agi_app.server import AgiServer
from agi_app.steps import Steps
from waybell.checks import agi, ari, clock, crm, recordings, store
from waybell.checks.dialplan import named_extensions
from waybell.checks.findings import Finding, Site, Status, ok
from waybell.checks.run import ORDER, _guarded, run_checks
from waybell.people.values import Lookup
from waybell.resources import data_dir
from waybell.settings import Settings
from waybell.wiring import dialling, flow


def site(tmp_path: Path, **sections: dict[str, object]) -> Site:
    return Site(Settings.model_validate(sections), tmp_path, deadline=5.0)


def only(findings: list[Finding], status: Status) -> Finding:
    [found] = findings
    assert found.status is status, found
    return found


class TestClock:
    async def ask(self, ahead: float, slow: float = 0.0) -> Finding:
        clock_here = iter([1000.0, 1000.0 + slow])
        looked = Site(Settings(), now=lambda: next(clock_here))

        async def theirs() -> datetime:
            return datetime.fromtimestamp(1000.0 + ahead, UTC)

        return await clock.compare(looked, "The other", theirs)

    @pytest.mark.parametrize("ahead", [0.0, 1.9, -1.9])
    async def test_two_seconds_are_let_pass(self, ahead: float) -> None:
        assert (await self.ask(ahead)).status is Status.OK

    @pytest.mark.parametrize(("ahead", "said"), [(3.0, "3.0 s ahead of"), (-3600.0, "3600.0 s behind")])
    async def test_more_is_a_failure_that_says_which_way(self, ahead: float, said: str) -> None:
        found = await self.ask(ahead)
        assert found.status is Status.FAILED
        assert said in found.message
        assert "chrony" in found.advice

    async def test_a_slow_answer_is_no_difference(self) -> None:
        assert (await self.ask(0.0, slow=6.0)).status is Status.OK


class TestAgi:
    async def test_a_waybell_that_answers_a_step_is_right_and_the_crm_is_not_asked(self, tmp_path: Path) -> None:
        class Nobody:
            async def identify(self, number: str) -> Lookup:
                raise AssertionError(number)

        settings = Settings()
        server = AgiServer(Steps(flow(settings), Nobody(), dialling(settings)), port=0)
        await server.start()
        looked = site(tmp_path, agi={"listen": f"127.0.0.1:{server.port}"})
        try:
            only(await agi.check_listening(looked), Status.OK)
        finally:
            await server.stop()
        assert (server.counters.decided, server.counters.handler_errors, server.counters.command_errors) == (1, 0, 0)
        found = only(await agi.check_listening(looked), Status.WARNING)
        assert f"nothing listens at {looked.settings.agi.listen}" in found.message

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            (None, "gives no answer"),
            (b"", "gives no answer"),
            (b"220 mail.example ESMTP\r\n", "says '220 mail.example ESMTP'"),
            (b'SET VARIABLE OTHER "x"\n', "says 'SET VARIABLE OTHER"),
            (b"x" * 100_000, "gives no answer"),
            (b"\xff\n", "says '\ufffd'"),
        ],
        ids=["mute", "closes", "smtp", "other", "endless", "bytes"],
    )
    async def test_another_listener_at_its_address_is_a_failure(
        self, said: bytes | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            if said is None:
                await reader.read()
            else:
                writer.write(said)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            closed.set()

        monkeypatch.setattr(agi, "_ANSWER_SECONDS", 0.2 if said is None else 5.0)
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            found = only(await agi.check_listening(site(tmp_path, agi={"listen": f"127.0.0.1:{port}"})), Status.FAILED)
            await closed.wait()
        assert f"something listens at 127.0.0.1:{port} that {told}" in found.message
        assert f"sport = :{port}" in found.advice

    @pytest.mark.parametrize(
        ("host", "networks", "let_in"),
        [
            ("127.0.0.1", [], True),
            ("0.0.0.0", ["10.0.0.0/8"], True),
            ("10.0.0.5", ["10.0.0.9/32"], False),
            ("10.0.0.5", ["10.0.0.0/8"], True),
        ],
    )
    def test_a_server_that_lets_only_others_in_is_not_blamed_for_its_silence(
        self, host: str, networks: list[str], let_in: bool
    ) -> None:
        assert agi._lets_us_in(host, [ip_network(network) for network in networks]) is let_in

    @pytest.mark.parametrize(
        ("server", "listen", "same"),
        [
            ("agi://127.0.0.1:4573", "127.0.0.1:4573", True),
            ("agi://127.0.0.1", "127.0.0.1:4573", True),
            ("agi://localhost:4573", "127.0.0.1:4573", True),
            ("agi://[::1]:4573", "[::1]:4573", True),
            ("agi://waybell.lan:4573", "0.0.0.0:4573", True),
            ("agi://127.0.0.1:4574", "127.0.0.1:4573", False),
            ("agi://10.0.0.5:4573", "127.0.0.1:4573", False),
            ("127.0.0.1:4573", "127.0.0.1:4573", False),
            ("agi://127.0.0.1:port", "127.0.0.1:4573", False),
        ],
    )
    def test_whether_an_agi_address_leads_to_ours(self, server: str, listen: str, same: bool) -> None:
        assert agi._is_same(server, listen) is same


class TestVersion:
    @pytest.mark.parametrize("version", ["22.10.1", "22.10.1+dfsg+~cs6.17-1", "22.11.0", "23.0.0"])
    def test_a_new_enough_asterisk_needs_no_word(self, version: str) -> None:
        assert ari._version(version) == []

    @pytest.mark.parametrize(
        "version", ["22.10.0", "22.9.3~dfsg", "20.15.0", "certified-22.8-cert1", "GIT-master-1a2b"]
    )
    def test_an_older_or_unknown_one_is_a_warning_that_names_the_advisories(self, version: str) -> None:
        found = only(ari._version(version), Status.WARNING)
        assert f"Asterisk {version} " in found.message
        assert "advisories of June 2026" in found.message
        assert "22.10.1 or newer" in found.advice


class TestRecordings:
    def look(self, url: str) -> Finding:
        [found] = recordings.check_recordings(Site(Settings.model_validate({"recordings": {"url": url}})))
        return found

    def test_a_folder_that_can_be_read(self, tmp_path: Path) -> None:
        folder = tmp_path / "мои записи"
        folder.mkdir()
        assert self.look(folder.as_uri()).status is Status.OK

    def test_a_missing_folder_is_a_failure(self, tmp_path: Path) -> None:
        found = self.look(f"file://{tmp_path}/none")
        assert found.status is Status.FAILED
        assert f"{tmp_path}/none does not exist" in found.message

    @pytest.mark.parametrize("scheme", ["sftp", "ftp"])
    def test_a_machine_that_cannot_be_asked_is_a_failure_and_no_password_is_shown(self, scheme: str) -> None:
        found = self.look(f"{scheme}://user:secret-word@127.0.0.1:1/var/spool")
        assert found.status is Status.FAILED
        assert f"{scheme}://127.0.0.1/var/spool cannot be read: ConnectionRefusedError" in found.message
        assert "secret-word" not in found.message


class TestDatabasesInFiles:
    async def test_queries_that_do_not_parse_are_named_by_file(self, tmp_path: Path) -> None:
        (tmp_path / "identify.sql").write_text("SELECT kind FROM t WHERE n = :nummer")
        found = await crm.check_crm(site(tmp_path, crm={"queries": str(tmp_path)}))
        assert {finding.status for finding in found} == {Status.FAILED}
        assert any("identify.sql: parameter :nummer is unknown" in finding.message for finding in found)
        assert any("identify.sql: column parcel is missing" in finding.message for finding in found)

    async def test_a_crm_file_without_the_tables_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "crm.db").touch()
        looked = site(tmp_path, crm={"url": f"sqlite+aiosqlite:///{tmp_path}/crm.db"})
        found = await crm.check_crm(looked)
        assert any("identify.sql" in each.message and "no such table: contacts" in each.message for each in found)

    async def test_the_demo_company_needs_no_file_before_the_first_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        only(await crm.check_crm(site(tmp_path)), Status.WARNING)
        assert list(tmp_path.iterdir()) == []

    async def test_a_store_that_was_never_made_says_waybell_init_and_is_not_made(self, tmp_path: Path) -> None:
        looked = site(tmp_path, store={"url": f"sqlite+aiosqlite:///{tmp_path}/waybell.db"})
        found = only(await store.check_store(looked), Status.FAILED)
        assert "waybell init" in found.advice
        assert list(tmp_path.iterdir()) == []

    async def test_a_store_without_its_tables_says_waybell_init(self, tmp_path: Path) -> None:
        (tmp_path / "waybell.db").touch()
        looked = site(tmp_path, store={"url": f"sqlite+aiosqlite:///{tmp_path}/waybell.db"})
        found = only(await store.check_store(looked), Status.FAILED)
        assert found.advice == "run: waybell init"

    @pytest.mark.parametrize(
        ("grant", "found"),
        [
            ("GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*0'", ["USAGE"]),
            ("GRANT SELECT, INSERT ON `courier`.* TO `r`@`%`", ["SELECT", "INSERT"]),
            ("GRANT SELECT (a, b), UPDATE (a) ON `courier`.`t` TO `r`@`%`", ["SELECT", "UPDATE"]),
            ("GRANT ALL PRIVILEGES ON *.* TO `r`@`%` WITH GRANT OPTION", ["ALL PRIVILEGES"]),
            ("GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE `courier`.`p` TO `r`@`%`", ["EXECUTE", "ALTER ROUTINE"]),
            ("GRANT DELETE ON `cour%`.* TO `r`@`%`", ["DELETE"]),
            ("GRANT DELETE ON `COURIER`.* TO `r`@`%`", ["DELETE"]),
            ("GRANT DELETE ON `other`.* TO `r`@`%`", []),
            ("GRANT DELETE ON `other`.`courier` TO `r`@`%`", []),
            ("GRANT DELETE ON `cour%`.`t` TO `r`@`%`", []),
            ("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP ON `test`.* TO PUBLIC", []),
            ("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP ON `test\\_%`.* TO PUBLIC", []),
            ("GRANT `reading` TO `r`@`%`", []),
        ],
    )
    def test_what_a_line_of_grants_gives_in_the_crms_database(self, grant: str, found: list[str]) -> None:
        assert crm.privileges(grant, "courier") == found

    @pytest.mark.parametrize(("schema", "found"), [("my_crm", ["DELETE"]), ("myxcrm", []), ("my_crm2", [])])
    def test_an_escaped_underscore_in_a_grant_is_an_underscore(self, schema: str, found: list[str]) -> None:
        assert crm.privileges("GRANT DELETE ON `my\\_crm`.* TO `r`@`%`", schema) == found


class TestAll:
    async def test_a_check_that_trips_is_a_failed_line_and_no_traceback(self, tmp_path: Path) -> None:
        async def trip() -> list[Finding]:
            raise RuntimeError("two\nlines")

        found = only(await _guarded(site(tmp_path), "crm", trip()), Status.FAILED)
        assert found.message == "could not be checked: RuntimeError: two lines"

    async def test_a_check_that_hangs_is_ended_at_its_deadline(self, tmp_path: Path) -> None:
        looked = Site(Settings(), tmp_path, deadline=0.05)
        found = only(await _guarded(looked, "crm", asyncio.Event().wait()), Status.FAILED)  # type: ignore[arg-type]
        assert "no answer within 0.05 s" in found.message

    async def test_with_nothing_there_at_all_every_connection_still_has_its_line(self, tmp_path: Path) -> None:
        looked = Site(nothing_there(tmp_path), tmp_path)
        found = await run_checks(looked)
        assert tuple(dict.fromkeys(finding.check for finding in found)) == ORDER
        bad = [finding for finding in found if finding.status is Status.FAILED]
        assert {finding.check for finding in bad} >= {"crm", "store", "ari", "cel log", "recordings"}
        assert all(finding.advice for finding in bad)

    async def test_an_asterisk_that_takes_the_connection_and_is_silent_is_named_in_time(self, tmp_path: Path) -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings = nothing_there(tmp_path, ari={"url": f"http://127.0.0.1:{port}"})
        async with server:
            found = [each for each in await run_checks(Site(settings, tmp_path, deadline=1.0)) if each.check == "ari"]
        assert "gave no answer in time" in only(found, Status.FAILED).message

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "does not answer as Asterisk does"),
            (b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"system":{"version"', "does not answer as Asterisk does"),
            (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "HTTP 302"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "cannot be reached"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 2_000_000, "over a megabyte"),
        ],
    )
    async def test_something_else_in_asterisks_place_is_a_failed_line(
        self, answer: bytes, said: str, tmp_path: Path
    ) -> None:
        assert said in (await self.ask_ari(answer, tmp_path)).message

    async def test_no_proxy_of_the_environment_gets_to_see_the_password(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "")
        refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
        assert "HTTP 401" in (await self.ask_ari(refusal, tmp_path)).message

    async def ask_ari(self, answer: bytes, tmp_path: Path) -> Finding:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(answer)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            settings = nothing_there(tmp_path, ari={"url": f"http://127.0.0.1:{port}"})
            return only(
                [each for each in await run_checks(Site(settings, tmp_path)) if each.check == "ari"], Status.FAILED
            )

    def test_every_extension_of_our_dialplan_that_is_no_pattern_is_asked_for(self) -> None:
        found = named_extensions((data_dir("dialplan") / "waybell.conf").read_text())
        assert ("s", "waybell-incoming") in found
        assert ("dial", "waybell-verb") in found
        assert all(extension.isalnum() for extension, _ in found)

    def test_the_command_shows_one_json_document_and_ends_with_1(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-c", "from waybell.cli.app import main; main()", "check", "--json"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path.cwd()), "WAYBELL_ARI__URL": "http://127.0.0.1:1"},
            check=False,
        )
        assert (done.returncode, done.stderr) == (1, "")
        assert '"ok": false' in done.stdout
        assert '"check": "ari"' in done.stdout


def nothing_there(tmp_path: Path, **more: dict[str, object]) -> Settings:
    places = {
        "crm": {"url": "mysql+asyncmy://reader:secret-word@127.0.0.1:1/courier"},
        "store": {"url": "mysql+asyncmy://store:secret-word@127.0.0.1:1/waybell"},
        "ari": {"url": "http://127.0.0.1:1"},
        "cel": {"path": str(tmp_path / "none" / "waybell.csv")},
        "recordings": {"url": f"file://{tmp_path}/none"},
    }
    return Settings.model_validate(places | more)


def test_findings_of_one_check_keep_their_order() -> None:
    assert ok("crm", "well") == Finding("crm", Status.OK, "well", "")
