-- A recipient calls: the couriers who hold their parcels. The manual's own query.
SELECT k.code, k.name, k.phonem, k.phonek
FROM contacts c
JOIN givn g ON g.address = c.Source
JOIN kurier k ON k.code = g.kurier
WHERE c.SourceCodeType = 3   -- a recipient's contact
  AND g.State = 1            -- in the courier's hands
  AND c.VALUE = :number
