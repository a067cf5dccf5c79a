"""A courier company of any size in MariaDB, in MeaSoft's tables, for the benchmark: every number follows from an index.

========================  =====================================  ==================================================
who (index from 1)        number                                 what is true of them
========================  =====================================  ==================================================
recipient ``i``           ``79100000000 + i``                    parcel ``i``; odd: in the hands of a courier, even: not
courier ``j``             ``79030000000 + j``                    phonem is that number, phonek ``79040000000 + j``
client ``k``              ``74950000000 + k``                    company ``Client k``
contact person ``f``      ``79060000000 + f``                    of client ``f``; one for each client
stranger ``s``            ``79990000000 + s``                    in no table
manager ``m``             extension ``1000 + m`` and ``2000 + m``
========================  =====================================  ==================================================

Who belongs to whom is in :meth:`Company.courier_of` and its neighbours; the SQL below uses the same formulas.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.mariadb import Database, MariaDB
from waybell.resources import data_dir


@dataclass(frozen=True, slots=True)
class Company:
    """How many there are of each, and who belongs to whom. All indexes start at 1."""

    recipients: int = 1_000_000
    clients: int = 20_000
    couriers: int = 2_000
    managers: int = 200

    def recipient_number(self, i: int) -> str:
        """E.164 digits of recipient ``i``, whose parcel is ``i``."""
        return str(79_100_000_000 + i)

    def courier_number(self, j: int) -> str:
        """E.164 digits of courier ``j``'s mobile (``phonem``)."""
        return str(79_030_000_000 + j)

    def client_number(self, k: int) -> str:
        """E.164 digits of client ``k``."""
        return str(74_950_000_000 + k)

    def contact_number(self, f: int) -> str:
        """E.164 digits of client ``f``'s contact person."""
        return str(79_060_000_000 + f)

    def stranger_number(self, s: int) -> str:
        """E.164 digits of somebody who is in no table."""
        return str(79_990_000_000 + s)

    def in_hands(self, i: int) -> bool:
        """Whether a courier holds parcel ``i``."""
        return i % 2 == 1

    def courier_of(self, i: int) -> int:
        """The courier of parcel ``i`` when it is in a courier's hands."""
        return 1 + i % self.couriers

    def client_of(self, i: int) -> int:
        """The client who sent parcel ``i``."""
        return 1 + i % self.clients

    def manager_of(self, code: int) -> int:
        """The manager of courier or client ``code``."""
        return 1 + code % self.managers

    def extensions(self, m: int) -> str:
        """``users.extPhone`` of manager ``m``."""
        return f"{1000 + m},{2000 + m}"


def fill(server: MariaDB, company: Company | None = None) -> Database:
    """A new database with ``company`` in it; a million recipients take some ten seconds."""
    database = server.database(data_dir("sql") / "demo" / "schema.sql")
    server.sql(_rows(company or Company()), database.name)
    server.sql("ANALYZE TABLE users, kurier, clients, fio, zakaz, address, givn, contacts;", database.name)
    return database


def _rows(company: Company) -> str:
    couriers, clients, managers = company.couriers, company.clients, company.managers
    parcels = f"seq_1_to_{company.recipients}"
    return f"""
SET unique_checks = 0, foreign_key_checks = 0;
INSERT INTO users SELECT seq, CONCAT('Manager ', seq), CONCAT(1000 + seq, ',', 2000 + seq) FROM seq_1_to_{managers};
INSERT INTO kurier SELECT seq, CONCAT('Courier ', seq), 79030000000 + seq, 79040000000 + seq, 1 + seq % {managers}
    FROM seq_1_to_{couriers};
INSERT INTO clients SELECT seq, CONCAT('Client ', seq), 1 + seq % {managers}, 1 FROM seq_1_to_{clients};
INSERT INTO fio SELECT seq, seq, CONCAT('Contact ', seq) FROM seq_1_to_{clients};
INSERT INTO zakaz SELECT seq, 1 + seq % {clients} FROM {parcels};
INSERT INTO address SELECT seq, seq, IF(seq % 4 = 0, '2026-11-01', NULL), CONCAT('Recipient ', seq) FROM {parcels};
INSERT INTO givn SELECT seq, seq, 1 + seq % {couriers}, IF(seq % 2 = 1, 1, 4) FROM {parcels};
INSERT INTO contacts
    SELECT seq, seq, 3, 79100000000 + seq, 1 FROM {parcels}
    UNION ALL SELECT {company.recipients} + seq, seq, 1, 79030000000 + seq, 1 FROM seq_1_to_{couriers}
    UNION ALL SELECT {company.recipients + couriers} + seq, seq, 2, 74950000000 + seq, 1 FROM seq_1_to_{clients}
    UNION ALL SELECT {company.recipients + couriers + clients} + seq, seq, 39, 79060000000 + seq, 1
        FROM seq_1_to_{clients};
"""
