-- A call about the parcel with the code :parcel: who holds it, and its recipient's numbers, one row each, in the order
-- in which they were written down. No row: there is no such parcel.
--
-- parcel     address.code, as this database writes it: a row counts only if that is exactly what was asked for
-- courier    only while the parcel is in that courier's hands (givn.State = 1); one row more for each further courier
-- number     NULL when the recipient has none
--
-- As in identify.sql, a parcel in a courier's hands needs neither its address nor its order to exist. The numbers are
-- found by an index on contacts (Source); without one the server reads the whole table for every call.
SELECT
    p.code AS parcel,
    g.kurier AS courier,
    c.VALUE AS number,
    a.name AS name,
    cl.code AS client,
    cl.company AS client_name
FROM (
    SELECT code FROM address WHERE code = :parcel
    UNION
    SELECT address FROM givn WHERE address = :parcel AND State = 1
) p
LEFT JOIN address a ON a.code = p.code
LEFT JOIN givn g ON g.address = p.code AND g.State = 1
LEFT JOIN zakaz z ON z.code = a.zakaz
LEFT JOIN clients cl ON cl.code = z.source
LEFT JOIN contacts c ON c.Source = p.code AND c.SourceCodeType = 3
ORDER BY c.id
