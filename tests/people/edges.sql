-- What a real CRM has besides the demo company: leftovers, doubles, gaps. Numbers 7916200…
INSERT INTO kurier (code, name, phonem, phonek, manager) VALUES (90, '  Иван  ', '', '', 77);
INSERT INTO fio (code, client, name) VALUES (290, 999, 'Without a client');
INSERT INTO zakaz (code, source) VALUES (1090, 999);
INSERT INTO address (code, zakaz, date_put, name) VALUES
    (91, 7777, NULL, 'No order'),
    (92, 1090, NULL, 'No client'),
    (93, 1001, '2026-11-02', 'Delivered, yet with a courier'),
    (94, 1001, NULL, 'Two couriers at once'),
    (95, 1001, NULL, 'With nobody we know'),
    (96, 1001, NULL, 'Twice in the contacts');
INSERT INTO givn (code, address, kurier, State) VALUES
    (90, 90, 11, 1),
    (93, 93, 11, 1),
    (941, 94, 12, 1),
    (942, 94, 11, 1),
    (943, 94, 11, 1),
    (944, 94, 13, 2),
    (95, 95, 9999, 1);
INSERT INTO contacts (id, Source, SourceCodeType, VALUE, State) VALUES
    (90, 90, 3, '79162000090', 1),
    (91, 91, 3, '79162000091', 1),
    (92, 92, 3, '79162000092', 1),
    (93, 93, 3, '79162000093', 1),
    (94, 94, 3, '79162000094', 1),
    (95, 95, 3, '79162000095', 1),
    (96, 96, 3, '79162000096', 1),
    (961, 96, 3, '79162000096', 1),
    (97, 4040, 3, '79162000097', 1),
    (971, 4040, 1, '79162000097', 1),
    (972, 4040, 2, '79162000097', 1),
    (973, 4040, 39, '79162000097', 1),
    (98, 10, 17, '79162000098', 1),
    (99, 90, 1, '79162000099', 7),
    (100, 290, 39, '79162000100', NULL);
