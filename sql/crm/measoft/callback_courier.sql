-- The courier with the code :courier wants a call placed: their card and their manager's extensions. No row: there is
-- no such courier.
--
-- phone      phonem, else phonek; an empty one counts as none
SELECT
    k.code AS id,
    k.name AS name,
    COALESCE(NULLIF(TRIM(k.phonem), ''), NULLIF(TRIM(k.phonek), '')) AS phone,
    u.extPhone AS manager_extension,
    u.name AS manager_name
FROM kurier k
LEFT JOIN users u ON u.user = k.manager
WHERE k.code = :courier
