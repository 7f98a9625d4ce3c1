-- Lists show an estimate and a delivery as exactly as they are known: with their precision and their own zone. The columns
-- eta and delivered_at stay what lists sort and filter by.

ALTER TABLE shipment ADD COLUMN eta_time TEXT COLLATE "C";
ALTER TABLE shipment ADD COLUMN delivered_time TEXT COLLATE "C";
UPDATE shipment SET eta_time = (nullif(folded::jsonb -> 'eta', 'null'))::text,
    delivered_time = (nullif(folded::jsonb -> 'delivered_at', 'null'))::text;
