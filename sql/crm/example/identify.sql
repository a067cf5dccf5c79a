-- The same question asked of a quite different system; see schema.sql beside this file.
-- Here an employee has a row of their own, and a parcel is with its driver while it is on the road.
SELECT
    CASE p.role WHEN 'driver' THEN 'courier' WHEN 'shop' THEN 'client' WHEN 'staff' THEN 'employee' ELSE 'recipient' END
        AS kind,
    p.person_id AS id,
    p.full_name AS name,
    s.tracking AS parcel,
    d.person_id AS courier,
    d.full_name AS courier_name,
    t.digits AS courier_phone,
    m.desk AS manager_extension,
    m.full_name AS manager_name,
    h.person_id AS client,
    h.shop_name AS client_name,
    s.stage AS status
FROM phone n
JOIN person p ON p.person_id = n.person_id
LEFT JOIN shipment s ON s.buyer = p.person_id
LEFT JOIN person d ON d.person_id = CASE WHEN s.stage = 'on the road' THEN s.driver WHEN p.role = 'driver' THEN p.person_id END
LEFT JOIN phone t ON t.person_id = d.person_id AND t.is_main = 1
LEFT JOIN person h ON h.person_id = CASE p.role WHEN 'shop' THEN p.person_id ELSE s.shop END
LEFT JOIN person m ON m.person_id = CASE p.role WHEN 'staff' THEN p.person_id ELSE COALESCE(d.boss, p.boss) END
WHERE n.digits = :number
