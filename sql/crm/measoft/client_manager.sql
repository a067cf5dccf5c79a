-- A client calls: their manager's extensions and the state of the contact. The manual's query, with what it advises
-- added: contact persons (fio, 39) come before the clients themselves (2).
SELECT k.code, k.company, u.extPhone AS managerext, c.State
FROM contacts c
LEFT JOIN fio f ON f.code = CASE WHEN c.SourceCodeType = 39 THEN c.Source END
JOIN clients k ON k.code = CASE c.SourceCodeType WHEN 2 THEN c.Source ELSE f.client END
LEFT JOIN users u ON u.user = k.manager
WHERE c.SourceCodeType IN (2, 39)
  AND c.VALUE = :number
ORDER BY c.SourceCodeType DESC
