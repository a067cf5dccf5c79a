-- Whose parcels the courier with the code :courier holds now: one row a client.
--
-- courier    kurier, as this database writes it: a row counts only if that is exactly what was asked for
SELECT DISTINCT g.kurier AS courier, z.source AS client
FROM givn g
JOIN address a ON a.code = g.address
JOIN zakaz z ON z.code = a.zakaz
WHERE g.kurier = :courier
  AND g.State = 1            -- in the courier's hands
