-- The table that Asterisk's cel_odbc writes and Waybell reads (cel.url), for a PBX on another machine.
-- Waybell needs SELECT on it and nothing else; Asterisk's account needs INSERT and SELECT.
-- Keep some days of it: what is older than the longest call and any time that Waybell may be down can be deleted by id.
-- The columns are bytes on purpose: a caller chooses the name that comes with a call, and the database would refuse a row
-- whose name is no proper UTF-8, and with it the event.
CREATE TABLE cel (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    eventtype VARBINARY(30) NOT NULL DEFAULT '',
    eventtime VARBINARY(32) NOT NULL DEFAULT '',
    userdeftype VARBINARY(80) NOT NULL DEFAULT '',
    cid_name VARBINARY(150) NOT NULL DEFAULT '',
    cid_num VARBINARY(150) NOT NULL DEFAULT '',
    cid_ani VARBINARY(150) NOT NULL DEFAULT '',
    cid_rdnis VARBINARY(150) NOT NULL DEFAULT '',
    cid_dnid VARBINARY(150) NOT NULL DEFAULT '',
    exten VARBINARY(150) NOT NULL DEFAULT '',
    context VARBINARY(150) NOT NULL DEFAULT '',
    channame VARBINARY(150) NOT NULL DEFAULT '',
    appname VARBINARY(150) NOT NULL DEFAULT '',
    appdata BLOB,
    accountcode VARBINARY(80) NOT NULL DEFAULT '',
    uniqueid VARBINARY(150) NOT NULL DEFAULT '',
    linkedid VARBINARY(150) NOT NULL DEFAULT '',
    peer VARBINARY(150) NOT NULL DEFAULT '',
    userfield BLOB,
    extra BLOB
) ENGINE = InnoDB;
