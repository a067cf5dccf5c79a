-- A courier calls: their manager's extensions. The manual's own query.
SELECT k.code, k.name, u.extPhone AS managerext
FROM contacts c
JOIN kurier k ON k.code = c.Source
JOIN users u ON u.user = k.manager
WHERE c.SourceCodeType = 1   -- a courier's contact
  AND c.VALUE = :number
