from __future__ import annotations

from pathlib import Path

import pytest

from lab.crm_data import Company, fill
from lab.mariadb import MariaDB
from tests.people.cast import DEMO
from waybell.people.crm import open_people
from waybell.people.demo import create_demo_crm
from waybell.resources import data_dir


async def test_the_demo_crm_is_made_once_and_answers(tmp_path: Path) -> None:
    place = tmp_path / "demo.db"
    create_demo_crm(place)
    made = place.stat().st_ino
    create_demo_crm(place)
    assert place.stat().st_ino == made
    assert list(tmp_path.iterdir()) == [place]
    people = open_people(f"sqlite+aiosqlite:///{place}", "measoft", 20)
    await people.start()
    assert (await people.identify("79161000001")).people == DEMO["79161000001"]
    await people.close()


def test_a_folder_that_does_not_come_with_waybell_is_an_error_that_says_where_it_was_sought() -> None:
    with pytest.raises(FileNotFoundError, match=r"'nowhere' is missing \(looked for .*nowhere.*\); install Waybell"):
        data_dir("nowhere")


@pytest.mark.mariadb
async def test_the_benchmarks_company_is_who_its_formulas_say(mariadb: MariaDB) -> None:
    company = Company(recipients=500, clients=20, couriers=7, managers=3)
    people = open_people(fill(mariadb, company).reader(), "measoft", 20)
    await people.start()
    for i in (1, 2, 3, 499, 500):
        (person,) = (await people.identify(company.recipient_number(i))).people
        courier = company.courier_of(i)
        held = (str(courier), company.courier_number(courier)) if company.in_hands(i) else (None, None)
        extensions = company.extensions(company.manager_of(courier)) if company.in_hands(i) else None
        assert (person.parcel, person.client) == (str(i), str(company.client_of(i)))
        assert (person.courier, person.courier_phone) == held
        assert person.manager_extension == extensions
    for number, code in ((company.courier_number(7), 7), (company.client_number(20), 20)):
        (person,) = (await people.identify(number)).people
        assert (person.id, person.manager_extension) == (str(code), company.extensions(company.manager_of(code)))
    (contact,) = (await people.identify(company.contact_number(20))).people
    assert (contact.id, contact.client) == ("20", "20")
    assert (await people.identify(company.stranger_number(1))).people == ()
    await people.close()


@pytest.mark.mariadb
def test_two_servers_at_once_do_not_meet_and_leave_nothing(mariadb: MariaDB) -> None:
    with MariaDB() as other:
        assert other.port != mariadb.port
        assert other.sql("SHOW DATABASES LIKE 'test%'") == ""
        home, pid = other.socket.parent, other.pid
        owner = Path(f"/proc/{pid}/status").read_text().partition("Uid:\t")[2].split()[0]
        assert owner != "0"
    assert not home.exists()
    assert not Path(f"/proc/{pid}").exists()
