-- The demo company "Waybell Express", +7 495 123-45-67. Nobody here exists; any likeness of a number is chance.
--
-- who                        number       what happens when they call
-- -------------------------  -----------  --------------------------------------------------------------------------
-- Anna, one parcel           79161000001  parcel 10 is with courier 11 Boris: rings 79010000011, then Boris's manager
-- Vera, three couriers       79161000002  parcels 21, 22, 23 are with couriers 11, 12, 13: a menu
-- Gleb, nothing on its way   79161000003  parcel 30 waits, parcel 31 is delivered: the office
-- Daria, courier w/o manager 79161000004  parcel 40 is with courier 12 Semyon, who has no manager
-- Egor, private phone        79161000005  parcel 50 is with courier 13 Timur, who has only phonek
-- Zoya, from two clients     79161000006  parcels 61 and 62, both with courier 11, sent by clients 101 and 102
-- Boris, courier             79010000011  manager 1, extensions 199 and 100
-- Semyon, courier            79010000012  no manager: the office
-- Timur, courier             79020000013  only a private phone; manager 2
-- Ulyana, courier            79010000014  manager 2; awaits parcel 70 herself, which is with courier 11
-- Bookshop, client           74950000101  manager 1
-- Tea Room, client           74950000102  no manager: the office
-- Irina, contact person      79055000201  of Bookshop: manager 1
-- Kirill, contact person     79055000202  of Tea Room; the number is Tea Room's second one too
-- a stranger                 79990000000  in no table: the office
--
-- managers: 1 Olga (199,100), 2 Pavel (101)

INSERT INTO users (user, name, extPhone) VALUES
    (1, 'Ольга Менеджер', '199,100'),
    (2, 'Павел Менеджер', '101');

INSERT INTO kurier (code, name, phonem, phonek, manager) VALUES
    (11, 'Борис Курьер', '79010000011', '79020000011', 1),
    (12, 'Семён Курьер', '79010000012', NULL, NULL),
    (13, 'Тимур Курьер', '', '79020000013', 2),
    (14, 'Ульяна Курьер', '79010000014', NULL, 2);

INSERT INTO clients (code, company, manager, State) VALUES
    (101, 'Книжный магазин', 1, 1),
    (102, 'Чайная', NULL, 1);

INSERT INTO fio (code, client, name) VALUES
    (201, 101, 'Ирина Контакт'),
    (202, 102, 'Кирилл Контакт');

INSERT INTO zakaz (code, source) VALUES (1001, 101), (1002, 102), (1003, 101);

INSERT INTO address (code, zakaz, date_put, name) VALUES
    (10, 1001, NULL, 'Анна'),
    (21, 1001, NULL, 'Вера'),
    (22, 1002, NULL, 'Вера'),
    (23, 1003, NULL, 'Вера'),
    (30, 1001, NULL, 'Глеб'),
    (31, 1002, '2026-11-01', 'Глеб'),
    (40, 1002, NULL, 'Дарья'),
    (50, 1003, NULL, 'Егор'),
    (61, 1001, NULL, 'Зоя'),
    (62, 1002, NULL, 'Зоя'),
    (70, 1001, NULL, 'Ульяна');

INSERT INTO givn (code, address, kurier, State) VALUES
    (1, 10, 11, 1),
    (2, 21, 11, 1),
    (3, 22, 12, 1),
    (4, 23, 13, 1),
    (5, 31, 11, 4),
    (6, 40, 12, 1),
    (7, 50, 13, 1),
    (8, 61, 11, 1),
    (9, 62, 11, 1),
    (10, 70, 11, 1);

INSERT INTO contacts (id, Source, SourceCodeType, VALUE, State) VALUES
    (1, 10, 3, '79161000001', 1),
    (2, 21, 3, '79161000002', 1),
    (3, 22, 3, '79161000002', 1),
    (4, 23, 3, '79161000002', 1),
    (5, 30, 3, '79161000003', 1),
    (6, 31, 3, '79161000003', 1),
    (7, 40, 3, '79161000004', 1),
    (8, 50, 3, '79161000005', 1),
    (9, 61, 3, '79161000006', 1),
    (10, 62, 3, '79161000006', 1),
    (11, 70, 3, '79010000014', 1),
    (12, 11, 1, '79010000011', 1),
    (13, 11, 1, '79020000011', 1),
    (14, 12, 1, '79010000012', 1),
    (15, 13, 1, '79020000013', 1),
    (16, 14, 1, '79010000014', 1),
    (17, 101, 2, '74950000101', 1),
    (18, 102, 2, '74950000102', 1),
    (19, 102, 2, '79055000202', 1),
    (20, 201, 39, '79055000201', 1),
    (21, 202, 39, '79055000202', 1);
