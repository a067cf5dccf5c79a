"""``waybell check`` against a real Asterisk and a real MariaDB: each failure is found and explained."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.asterisk import Asterisk
from lab.mariadb import PASSWORD, READER, Database, MariaDB
from lab.phone import Phone
from lab.watch import until_file
from tests.fixtures_mariadb import mariadb as server  # noqa: F401 - a fixture
from waybell.checks.findings import Finding, Site, Status
from waybell.checks.run import run_checks
from waybell.resources import data_dir
from waybell.settings import Settings
from waybell.store.engine import make_engine
from waybell.store.migrate import migrate

from .conftest import MakeAsterisk

pytestmark = [pytest.mark.pbx, pytest.mark.mariadb]

NOT_INCLUDED = "[waybell-outgoing]\nexten => 100,1,Hangup()\n"


class Place:
    """One installation: a real PBX, a CRM and a store, and the settings for them."""

    def __init__(self, pbx: Asterisk, folder: Path, crm_url: str) -> None:
        self.pbx = pbx
        self.settings: dict[str, dict[str, object]] = {
            "crm": {"url": crm_url},
            "store": {"url": f"sqlite+aiosqlite:///{folder}/waybell.db"},
            "ari": {"url": pbx.ari_url, "password": pbx.settings.ari_password},
            "cel": {"path": str(pbx.cel_path)},
            "calls": {"company_number": "74951234567"},
            "recordings": {"url": (pbx.directory / "spool" / "monitor").as_uri()},
        }

    def set(self, key: str, value: object) -> None:
        section, name = key.split(".")
        self.settings.setdefault(section, {})[name] = value

    async def check(self, **options: Any) -> dict[str, list[Finding]]:
        """Check → its findings."""
        site = Site(Settings.model_validate(self.settings), self.pbx.directory / "etc", **options)
        found: dict[str, list[Finding]] = {}
        for finding in await run_checks(site):
            found.setdefault(finding.check, []).append(finding)
        return found

    async def failure(self, check: str, **options: Any) -> Finding:
        """The one failed line of ``check``."""
        found = (await self.check(**options))[check]
        [bad] = [finding for finding in found if finding.status is Status.FAILED]
        assert bad.advice
        return bad

    async def call(self) -> None:
        """A call from outside that leaves events in the log."""
        office = Phone(self.pbx.phones_address, self.pbx.sip_address)
        async with office, Phone(self.pbx.trunk_address, self.pbx.sip_address) as caller:
            call = await caller.call("74951234567", "79161234567")
            await call.ended()
        await until_file(self.pbx.cel_path, lambda text: "LINKEDID_END" in text)


MakePlace = Callable[..., Awaitable[Place]]


@pytest.fixture
def crm(server: MariaDB) -> Database:  # noqa: F811
    demo = data_dir("sql") / "demo"
    return server.database(demo / "schema.sql", demo / "rows.sql")


@pytest.fixture
async def place(asterisk: MakeAsterisk, tmp_path: Path, crm: Database) -> MakePlace:
    """``await place(extra_files=…)``: takes what :class:`Asterisk` takes."""

    async def make(**options: Any) -> Place:
        made = Place(await asterisk(**options), tmp_path, crm.reader())
        engine = make_engine(str(made.settings["store"]["url"]))
        await migrate(engine)
        await engine.dispose()
        return made

    return make


@contextmanager
def nobody() -> Iterator[None]:
    """This process reads files as the user ``nobody`` inside the block."""
    groups, user = os.getgroups(), os.geteuid()
    if user != 0:
        pytest.skip("only root can become somebody else")
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        os.setegid(0)
        os.setgroups(groups)


async def test_all_is_well_after_a_call(place: MakePlace) -> None:
    here = await place()
    await here.call()
    found = await here.check()
    assert [each.message for lines in found.values() for each in lines if each.status is Status.FAILED] == []
    assert "Asterisk 22." in found["ari"][0].message
    assert [each.status for each in found["dialplan"]] == [Status.OK, Status.OK]
    assert [each.status for each in found["clock"]] == [Status.OK, Status.OK]
    assert [each.status for each in found["phones"]] == [Status.OK, Status.OK]
    for check in ("crm", "store", "calls", "cel", "cel log", "recordings"):
        assert [each.status for each in found[check]] == [Status.OK], found[check]
    assert [each.status for each in found["agi"]] == [Status.WARNING]


class TestCrm:
    @pytest.mark.parametrize("driver", ["asyncmy", "aiomysql"])
    async def test_a_wrong_password(self, driver: str, place: MakePlace, crm: Database) -> None:
        here = await place()
        here.set("crm.url", crm.reader(driver).replace(PASSWORD, "guess"))
        bad = await here.failure("crm")
        assert f"Access denied for user '{READER}'" in bad.message
        assert bad.advice == "correct user and password in crm.url"
        assert "guess" not in bad.message

    async def test_nobody_listens_at_its_address(self, place: MakePlace) -> None:
        here = await place()
        here.set("crm.url", f"mysql+asyncmy://{READER}:{PASSWORD}@127.0.0.1:1/courier")
        assert "correct host and port in crm.url" in (await here.failure("crm")).advice

    async def test_a_database_without_the_tables_names_table_and_file(
        self,
        place: MakePlace,
        server: MariaDB,  # noqa: F811
    ) -> None:
        empty = server.database()
        here = await place()
        here.set("crm.url", empty.reader())
        found = (await here.check())["crm"]
        identify = next(each for each in found if "identify.sql" in each.message)
        assert identify.status is Status.FAILED
        assert f"Table '{empty.name}." in identify.message
        assert "doesn't exist" in identify.message

    async def test_a_missing_grant_names_the_statement_that_gives_it(
        self,
        place: MakePlace,
        server: MariaDB,  # noqa: F811
        crm: Database,
    ) -> None:
        server.sql(f"CREATE USER half@'%' IDENTIFIED BY 'half'; GRANT SELECT ON {crm.name}.users TO half@'%'")
        here = await place()
        here.set("crm.url", f"mysql+asyncmy://half:half@127.0.0.1:{crm.port}/{crm.name}")
        # As many times as tables are closed: each statement is run as it was told, until the account can read.
        for _ in range(10):
            found = (await here.check())["crm"]
            denied = [each for each in found if each.status is Status.FAILED]
            if not denied:
                break
            assert "SELECT command denied" in denied[0].message
            statement = denied[0].advice.removeprefix("as the database's administrator: ")
            server.sql(statement)
        assert [each.status for each in found] == [Status.OK]
        server.sql("DROP USER half@'%'")

    async def test_an_account_that_can_write_is_a_warning(self, place: MakePlace, crm: Database) -> None:
        here = await place()
        here.set("crm.url", crm.store())
        [well, warned] = (await here.check())["crm"]
        assert (well.status, warned.status) == (Status.OK, Status.WARNING)
        assert "may also ALL PRIVILEGES" in warned.message
        assert "REVOKE" in warned.advice

    async def test_what_everybody_may_do_in_the_servers_test_databases_is_no_warning(
        self,
        place: MakePlace,
        server: MariaDB,  # noqa: F811
    ) -> None:
        # As MariaDB 11 is installed.
        server.sql("GRANT SELECT, INSERT, DELETE, DROP ON `test`.* TO PUBLIC")
        try:
            here = await place()
            found = (await here.check())["crm"]
        finally:
            server.sql("REVOKE ALL PRIVILEGES ON `test`.* FROM PUBLIC")
        assert [each.status for each in found] == [Status.OK]

    async def test_a_query_with_a_wrong_column_is_named_by_file_and_column(
        self, place: MakePlace, tmp_path: Path
    ) -> None:
        queries = tmp_path / "own"
        queries.mkdir()
        text = (data_dir("sql") / "crm" / "measoft" / "identify.sql").read_text()
        (queries / "identify.sql").write_text(text.replace("k.phonem", "k.mobile"))
        here = await place()
        here.set("crm.queries", str(queries))
        bad = await here.failure("crm")
        assert "own/identify.sql" in bad.message
        assert "k.mobile" in bad.message


class TestStore:
    async def test_a_wrong_password(self, place: MakePlace, crm: Database) -> None:
        here = await place()
        here.set("store.url", crm.store().replace(PASSWORD, "guess"))
        bad = await here.failure("store")
        assert "Access denied" in bad.message
        assert bad.advice == "correct user and password in store.url"

    async def test_a_database_that_was_never_prepared(
        self,
        place: MakePlace,
        server: MariaDB,  # noqa: F811
    ) -> None:
        here = await place()
        here.set("store.url", server.database().store())
        assert (await here.failure("store")).advice == "run: waybell init"

    async def test_a_prepared_mariadb_is_right_and_its_clock_agrees(
        self,
        place: MakePlace,
        server: MariaDB,  # noqa: F811
    ) -> None:
        here = await place()
        url = server.database().store()
        here.set("store.url", url)
        engine = make_engine(url)
        await migrate(engine)
        await engine.dispose()
        found = await here.check()
        assert [each.status for each in found["store"]] == [Status.OK]
        assert len(found["clock"]) == 3


class TestAri:
    async def test_it_is_off(self, place: MakePlace) -> None:
        here = await place(extra_files={"ari.conf": "[general]\nenabled = no\n"})
        found = await here.check()
        [bad] = found["ari"]
        assert "ARI is off" in bad.message
        assert "enabled = yes in [general] of ari.conf" in bad.advice
        assert [each.status for each in found["dialplan"]] == [Status.SKIPPED]

    async def test_the_http_server_is_off(self, place: MakePlace) -> None:
        here = await place(extra_files={"http.conf": "[general]\nenabled = no\n"})
        bad = await here.failure("ari")
        assert "cannot be reached" in bad.message
        assert "http.conf" in bad.advice

    @pytest.mark.parametrize(("key", "value"), [("ari.password", "guess"), ("ari.user", "stranger")])
    async def test_a_wrong_password_or_user(self, key: str, value: str, place: MakePlace) -> None:
        here = await place()
        here.set(key, value)
        bad = await here.failure("ari")
        assert "HTTP 401" in bad.message
        assert "in ari.conf" in bad.advice

    async def test_a_user_who_may_only_read_is_a_warning(self, place: MakePlace) -> None:
        here = await place()
        here.set("ari.user", "waybell-watch")
        [_, warned] = (await here.check())["ari"]
        assert warned.status is Status.WARNING
        assert "may only read" in warned.message


class TestDialplan:
    async def test_it_is_not_included(self, place: MakePlace) -> None:
        here = await place(extra_files={"waybell.conf": NOT_INCLUDED})
        bad = await here.failure("dialplan")
        assert "waybell-incoming is not loaded" in bad.message
        assert "#include waybell.conf" in bad.advice
        assert "dialplan reload" in bad.advice

    async def test_an_older_one_is_loaded(self, place: MakePlace) -> None:
        ours = (data_dir("dialplan") / "waybell.conf").read_text()
        here = await place(extra_files={"waybell.conf": ours.replace("exten => menu,1,", "exten => choice,1,")})
        bad = await here.failure("dialplan")
        assert "without menu@waybell-verb" in bad.message
        assert "waybell dialplan install" in bad.advice

    async def test_the_file_is_a_newer_one_than_what_comes_with_waybell(self, place: MakePlace) -> None:
        ours = (data_dir("dialplan") / "waybell.conf").read_text()
        here = await place(extra_files={"waybell.conf": ours + "; changed\n"})
        found = (await here.check())["dialplan"]
        [warned] = [each for each in found if each.status is Status.WARNING]
        assert "is not the one of this Waybell" in warned.message

    async def test_the_pbx_asks_somewhere_else(self, place: MakePlace) -> None:
        here = await place(settings={"agi": "agi://10.1.2.3:4573"})
        [warned] = [each for each in (await here.check())["dialplan"] if each.status is Status.WARNING]
        assert "agi://10.1.2.3:4573" in warned.message
        assert "WAYBELL_AGI = agi://127.0.0.1:4573" in warned.advice

    async def test_device_states_are_not_told(self, place: MakePlace) -> None:
        here = await place(extra_files={"modules_custom.conf": "noload = res_ari_device_states.so\n"})
        bad = await here.failure("dialplan")
        assert "res_ari_device_states.so" in bad.advice


class TestPhones:
    """The lab's PBX has the extension 500 and the endpoint ``trunk``."""

    async def warned(self, here: Place) -> list[Finding]:
        return [each for each in (await here.check())["phones"] if each.status is Status.WARNING]

    async def test_an_office_that_is_no_endpoint_is_named_with_what_to_do(self, place: MakePlace) -> None:
        here = await place(settings={"office_dial": "PJSIP/500&PJSIP/600"})
        here.set("calls.office", "500,600")
        bad = await here.failure("phones")
        assert bad.message.startswith("calls.office is PJSIP/600: Asterisk has no PJSIP endpoint 600")
        assert "pjsip list endpoints" in bad.advice
        assert await self.warned(here) == []

    async def test_the_office_without_waybell_is_another_one(self, place: MakePlace) -> None:
        here = await place(settings={"office_dial": "PJSIP/601"})
        [warned] = await self.warned(here)
        assert "WAYBELL_OFFICE_DIAL is PJSIP/601" in warned.message
        assert "calls.office is PJSIP/500" in warned.message
        assert "WAYBELL_OFFICE_DIAL = PJSIP/500 in [globals]" in warned.advice
        assert (
            "WAYBELL_OFFICE_DIAL is PJSIP/601: Asterisk has no PJSIP endpoint 601"
            in (await here.failure("phones")).message
        )

    async def test_the_office_without_waybell_is_not_set(self, place: MakePlace) -> None:
        here = await place(settings={"office_dial": ""})
        here.set("calls.office", "100")
        [warned] = await self.warned(here)
        assert "is not set, which means PJSIP/500" in warned.message
        assert "WAYBELL_OFFICE_DIAL = PJSIP/100 in [globals]" in warned.advice

    async def test_a_phone_that_is_nowhere_is_a_warning(self, place: MakePlace) -> None:
        nowhere = "[600](phone)\naors = 600\n[600]\ntype = aor\nmax_contacts = 1\n"
        here = await place(extra_files={"pjsip_custom.conf": nowhere}, settings={"office_dial": "PJSIP/600"})
        here.set("calls.office", "600")
        [warned] = await self.warned(here)
        assert "nothing can be reached there at present" in warned.message
        assert "pjsip show endpoint 600" in warned.advice

    @pytest.mark.parametrize("dial", ["PJSIP/{number}@mytrunk", "PJSIP/mytrunk/sip:{number}@provider.example"])
    async def test_a_trunk_that_is_no_endpoint(self, dial: str, place: MakePlace) -> None:
        here = await place()
        here.set("calls.phone_dial", dial)
        bad = await here.failure("phones")
        assert "Asterisk has no PJSIP endpoint mytrunk" in bad.message
        assert "calls.phone_dial" in bad.advice

    async def test_a_trunk_whose_calls_go_elsewhere(self, place: MakePlace) -> None:
        here = await place(extra_files=trunk_with("context = from-trunk"))
        [warned] = await self.warned(here)
        assert "calls from the trunk trunk enter the context from-trunk, not waybell-incoming" in warned.message
        assert "context = waybell-incoming in [trunk] of pjsip.conf" in warned.advice

    @pytest.mark.parametrize(
        ("setting", "danger"),
        [
            ("send_connected_line", "numbers leak"),
            ("trust_connected_line", "numbers leak"),
            ("allow_transfer", "outsiders can send a call elsewhere"),
        ],
    )
    async def test_a_trunk_that_tells_too_much_or_obeys_outsiders(
        self, setting: str, danger: str, place: MakePlace
    ) -> None:
        here = await place(extra_files=trunk_with(f"{setting} = yes"))
        [warned] = await self.warned(here)
        assert f"the trunk trunk has {setting} switched on: {danger}" in warned.message
        assert f"put into [trunk] of pjsip.conf: {setting} = no; then: " in warned.advice

    async def test_endpoints_are_not_told(self, place: MakePlace) -> None:
        here = await place(extra_files={"modules_custom.conf": "noload = res_ari_endpoints.so\n"})
        assert "load res_ari_endpoints.so" in (await here.failure("phones")).advice


def trunk_with(line: str) -> dict[str, str]:
    """``extra_files`` that set one thing differently at the lab's trunk."""
    return {"pjsip_custom.conf": f"[trunk](+)\n{line}\n"}


class TestCel:
    async def test_events_are_off(self, place: MakePlace) -> None:
        here = await place(extra_files={"cel.conf": "[general]\nenable = no\n"})
        assert "events are switched off" in (await here.failure("cel")).message

    async def test_no_mapping_at_all(self, place: MakePlace) -> None:
        here = await place(extra_files={"cel_custom.conf": "[mappings]\n"})
        [mapping, module] = (await here.check())["cel"]
        assert "nothing is written to waybell.csv" in mapping.message
        assert "cel_custom.so is not running" in module.message

    async def test_the_module_is_not_there(self, place: MakePlace) -> None:
        here = await place(extra_files={"modules_custom.conf": "noload = cel_custom.so\n"})
        bad = await here.failure("cel")
        assert "Asterisk has no module cel_custom.so" in bad.message
        assert "modules.conf" in bad.advice

    async def test_a_wrong_field_name_is_named_and_that_asterisk_then_loads_none(self, place: MakePlace) -> None:
        ours = (data_dir("dialplan") / "cel_custom.conf").read_text()
        here = await place(extra_files={"cel_custom.conf": ours.replace("LinkedID", "LinkID")})
        [mapping, module] = (await here.check())["cel"]
        assert "17: LinkID instead of LinkedID" in mapping.message
        assert "Asterisk loads none" in mapping.message
        assert "not running; the wrong mapping above keeps it from loading" in module.message

    async def test_a_wrong_field_name_in_a_file_that_cannot_be_read_from_here(self, place: MakePlace) -> None:
        ours = (data_dir("dialplan") / "cel_custom.conf").read_text()
        here = await place(extra_files={"cel_custom.conf": ours.replace("LinkedID", "LinkID")})
        site = Site(Settings.model_validate(here.settings), here.pbx.directory / "elsewhere")
        [bad] = [each for each in await run_checks(site) if each.check == "cel"]
        assert "one wrong field name is enough" in bad.message


class TestCelLog:
    async def test_before_the_first_call_it_is_missing(self, place: MakePlace) -> None:
        here = await place()
        [warned] = (await here.check())["cel log"]
        assert warned.status is Status.WARNING
        assert "not there yet" in warned.message

    async def test_its_folder_is_missing(self, place: MakePlace) -> None:
        here = await place()
        here.set("cel.path", str(here.pbx.directory / "log" / "nowhere" / "waybell.csv"))
        bad = await here.failure("cel log")
        assert "nowhere does not exist" in bad.message
        assert "mkdir" in bad.advice

    async def test_it_may_not_be_read(self, place: MakePlace) -> None:
        here = await place()
        await here.call()
        # Apart from the PBX's own folders: those above them may be closed to everybody but root.
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            log = Path(shutil.copy2(here.pbx.cel_path, folder))
            Path(folder).chmod(0o755)
            log.chmod(0o640)
            here.set("cel.path", str(log))
            with nobody():
                bad = await here.failure("cel log")
        assert f"user nobody may not read {log}" in bad.message
        assert "usermod -aG" in bad.advice

    async def test_another_mappings_records_are_not_taken_for_ours(self, place: MakePlace) -> None:
        legacy = "[mappings]\nwaybell.csv => ${CSV_QUOTE(${eventtype})},${CSV_QUOTE(${CHANNEL(uniqueid)})}\n"
        here = await place(extra_files={"cel_custom.conf": legacy})
        await here.call()
        assert "has 2 fields, not 20" in (await here.failure("cel log")).message


class TestClock:
    @pytest.mark.parametrize("ahead", [-60.0, 60.0])
    async def test_a_clock_that_is_wrong_here_differs_from_asterisk_and_database(
        self, ahead: float, place: MakePlace
    ) -> None:
        here = await place()
        found = (await here.check(now=lambda: time.time() + ahead))["clock"]
        assert [each.status for each in found] == [Status.FAILED, Status.FAILED]
        way = "behind" if ahead > 0 else "ahead of"
        assert all(f"60.0 s {way}" in each.message for each in found)
        assert all("chrony" in each.advice for each in found)
