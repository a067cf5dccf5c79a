-- A small courier system of a quite different shape, for SQLite and MariaDB: one table of people with several numbers
-- each, shipments that point at people. It shows that the queries beside it are all that Waybell needs to know of a CRM.

CREATE TABLE person (
    person_id varchar(36) PRIMARY KEY,
    role varchar(10),           -- 'driver', 'shop', 'staff', 'buyer'
    full_name varchar(100),
    shop_name varchar(100),
    desk varchar(40),           -- an employee's extensions
    boss varchar(36)            -- person.person_id
);

CREATE TABLE phone (
    digits varchar(20),         -- E.164 digits without plus
    person_id varchar(36),
    is_main integer,
    PRIMARY KEY (digits, person_id)
);
CREATE INDEX phone_person ON phone (person_id, is_main);

CREATE TABLE shipment (
    tracking varchar(20) PRIMARY KEY,
    buyer varchar(36),
    shop varchar(36),
    driver varchar(36),
    stage varchar(20)           -- 'on the road', 'at the depot', 'done'
);
CREATE INDEX shipment_buyer ON shipment (buyer);
CREATE INDEX shipment_driver ON shipment (driver);
