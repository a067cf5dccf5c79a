-- The shops whose shipments a driver has on the road.
SELECT DISTINCT s.driver AS courier, s.shop AS client
FROM shipment s
WHERE s.driver = :courier AND s.stage = 'on the road'
