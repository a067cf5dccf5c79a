-- A recipient calls: their parcels in work, with the order and the client. The manual's own query.
SELECT *
FROM contacts c
JOIN address a ON a.code = c.Source
JOIN zakaz b ON a.zakaz = b.code
JOIN clients k ON k.code = b.source
WHERE c.SourceCodeType = 3   -- a recipient's contact
  AND a.date_put IS NULL     -- in work, not closed
  AND c.VALUE = :number
