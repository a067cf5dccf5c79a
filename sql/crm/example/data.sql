-- Fictitious people for the example system.

INSERT INTO person (person_id, role, full_name, shop_name, desk, boss) VALUES
    ('s-1', 'staff', 'Sara Staff', NULL, '301', NULL),
    ('d-1', 'driver', 'Dan Driver', NULL, NULL, 's-1'),
    ('d-2', 'driver', 'Dora Driver', NULL, NULL, NULL),
    ('h-1', 'shop', 'Hans Owner', 'Garden & Co', NULL, 's-1'),
    ('b-1', 'buyer', 'Bea Buyer', NULL, NULL, NULL);

INSERT INTO phone (digits, person_id, is_main) VALUES
    ('4915112345601', 's-1', 1),
    ('4915112345602', 'd-1', 1),
    ('4915112345603', 'd-2', 1),
    ('4915112345604', 'h-1', 1),
    ('4915112345605', 'b-1', 1);

INSERT INTO shipment (tracking, buyer, shop, driver, stage) VALUES
    ('T-1', 'b-1', 'h-1', 'd-1', 'on the road'),
    ('T-2', 'b-1', 'h-1', 'd-2', 'at the depot');
