-- A driver's card; see schema.sql beside this file.
SELECT
    d.person_id AS id,
    d.full_name AS name,
    t.digits AS phone,
    m.desk AS manager_extension,
    m.full_name AS manager_name
FROM person d
LEFT JOIN phone t ON t.person_id = d.person_id AND t.is_main = 1
LEFT JOIN person m ON m.person_id = d.boss
WHERE d.person_id = :courier AND d.role = 'driver'
