-- A shipment, who has it on the road, and its buyer's numbers, the main one first.
SELECT
    s.tracking AS parcel,
    CASE WHEN s.stage = 'on the road' THEN s.driver END AS courier,
    n.digits AS number,
    b.full_name AS name,
    h.person_id AS client,
    h.shop_name AS client_name
FROM shipment s
LEFT JOIN person b ON b.person_id = s.buyer
LEFT JOIN phone n ON n.person_id = b.person_id
LEFT JOIN person h ON h.person_id = s.shop
WHERE s.tracking = :parcel
ORDER BY n.is_main DESC, n.digits
