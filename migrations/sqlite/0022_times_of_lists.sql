-- Lists show an estimate and a delivery as exactly as they are known: with their precision and their own zone. The columns
-- eta and delivered_at stay what lists sort and filter by.

ALTER TABLE shipment ADD COLUMN eta_time TEXT;
ALTER TABLE shipment ADD COLUMN delivered_time TEXT;
UPDATE shipment SET eta_time = json_extract(folded, '$.eta'), delivered_time = json_extract(folded, '$.delivered_at');
