-- The part of MeaSoft's database `courier` that its published queries use, for SQLite and MariaDB alike.
-- What the manual leaves open is marked "demo": it is ours, and a real installation may call it something else.

CREATE TABLE users (
    user integer PRIMARY KEY,
    name varchar(100),          -- demo
    extPhone varchar(40)        -- '199,100': several extensions
);

CREATE TABLE kurier (
    code integer PRIMARY KEY,
    name varchar(100),
    phonem varchar(40),         -- the company's mobile
    phonek varchar(40),         -- the courier's own phone
    manager integer             -- users.user
);

CREATE TABLE clients (
    code integer PRIMARY KEY,
    company varchar(100),
    manager integer,            -- users.user
    State integer               -- demo
);

CREATE TABLE fio (
    code integer PRIMARY KEY,
    client integer,             -- demo: clients.code
    name varchar(100)           -- demo
);
CREATE INDEX fio_client ON fio (client);

CREATE TABLE zakaz (
    code integer PRIMARY KEY,
    source integer              -- clients.code
);

CREATE TABLE address (
    code integer PRIMARY KEY,   -- the parcel's id
    zakaz integer,
    date_put date NULL,         -- NULL: still in work
    name varchar(100)           -- demo
);
CREATE INDEX address_zakaz ON address (zakaz);

CREATE TABLE givn (
    code integer PRIMARY KEY,
    address integer,
    kurier integer,
    State integer               -- 1: in the courier's hands
);
CREATE INDEX givn_address ON givn (address);
CREATE INDEX givn_kurier ON givn (kurier);

CREATE TABLE contacts (
    id integer PRIMARY KEY,
    Source integer,             -- the code in the table that SourceCodeType names
    SourceCodeType integer,     -- 1 courier, 2 client, 3 recipient, 39 a client's contact person
    VALUE varchar(64),          -- E.164 digits without plus
    State integer DEFAULT 1
);
CREATE INDEX contacts_value ON contacts (VALUE);
CREATE INDEX contacts_source ON contacts (Source);   -- demo: a parcel's recipient is found by it
