-- Everybody behind :number, with every parcel that is theirs, in one read of the index on contacts.VALUE.
--
-- kind       a recipient (SourceCodeType 3): one row a parcel, and one more for each further courier who holds it;
--            a courier (1); a client (2); a client's contact person (39), who is a client too: their id is fio.code
-- parcel     address.code
-- courier*   of a recipient: only while the parcel is in that courier's hands (givn.State = 1); of a courier: themselves.
--            The phone is phonem, else phonek; an empty one counts as none
-- manager*   of a recipient: the manager of the courier who holds the parcel, not the client's
-- client*    of a recipient: who sent the parcel
-- status     of a recipient: with_courier, else delivered once date_put is set, else in_work; of others: contacts.State
--
-- A contact whose person or parcel no longer exists gives no row. A parcel in a courier's hands needs neither its
-- address nor its order to exist. A CASE that gives NULL keeps the server from reading that table at all. The newest
-- contacts come first, so that a reader who stops after some hundred rows has the parcels that are on their way.
SELECT
    CASE c.SourceCodeType WHEN 3 THEN 'recipient' WHEN 1 THEN 'courier' ELSE 'client' END AS kind,
    c.Source AS id,
    CASE c.SourceCodeType WHEN 3 THEN a.name WHEN 1 THEN k.name WHEN 2 THEN cl.company ELSE f.name END AS name,
    CASE WHEN c.SourceCodeType = 3 THEN c.Source END AS parcel,
    k.code AS courier,
    k.name AS courier_name,
    COALESCE(NULLIF(k.phonem, ''), NULLIF(k.phonek, '')) AS courier_phone,
    u.extPhone AS manager_extension,
    u.name AS manager_name,
    cl.code AS client,
    cl.company AS client_name,
    CASE
        WHEN c.SourceCodeType <> 3 THEN c.State
        WHEN k.code IS NOT NULL THEN 'with_courier'
        WHEN a.date_put IS NOT NULL THEN 'delivered'
        ELSE 'in_work'
    END AS status
FROM contacts c
LEFT JOIN address a ON a.code = CASE WHEN c.SourceCodeType = 3 THEN c.Source END
LEFT JOIN givn g ON g.address = CASE WHEN c.SourceCodeType = 3 THEN c.Source END AND g.State = 1
LEFT JOIN kurier k ON k.code = CASE c.SourceCodeType WHEN 3 THEN g.kurier WHEN 1 THEN c.Source END
LEFT JOIN zakaz z ON z.code = a.zakaz
LEFT JOIN fio f ON f.code = CASE WHEN c.SourceCodeType = 39 THEN c.Source END
LEFT JOIN clients cl
    ON cl.code = CASE c.SourceCodeType WHEN 3 THEN z.source WHEN 2 THEN c.Source WHEN 39 THEN f.client END
LEFT JOIN users u ON u.user = CASE WHEN c.SourceCodeType IN (1, 3) THEN k.manager ELSE cl.manager END
WHERE c.VALUE = :number AND c.SourceCodeType IN (1, 2, 3, 39)
  AND COALESCE(a.code, k.code, f.code, cl.code) IS NOT NULL
ORDER BY c.id DESC
