-- Which way a shipment goes: most go to customers, and what else there is is found by an index of its own.
ALTER TABLE shipment ADD COLUMN direction TEXT NOT NULL DEFAULT 'outbound' CHECK (direction IN ('outbound', 'inbound', 'dropship', 'return'));
CREATE INDEX shipment_direction ON shipment (company_id, direction, need, moved_at, id) WHERE merged_into IS NULL AND direction <> 'outbound';
