-- While its reason stops the clock an exception has no due time: the start of the year 9999 sorts behind every other one.
UPDATE exception SET due_at = 253370764800000000 WHERE closed_at IS NULL AND reason IN (
    'DELAY_SHIPPER', 'DELAY_WEATHER', 'DELAY_FORCE_MAJEURE', 'DELAY_STRIKE', 'DELAY_ROAD', 'DELAY_HOLIDAY', 'PICKUP_NOT_READY',
    'CONSIGNEE_NOT_AVAILABLE', 'CONSIGNEE_CLOSED', 'CONSIGNEE_REFUSED', 'CONSIGNEE_REQUESTED_LATER', 'CONSIGNEE_UNCLAIMED',
    'CONSIGNEE_ID_FAILED', 'CONSIGNEE_CANCELLED', 'CONSIGNEE_FACILITY', 'CONSIGNEE_OTHER', 'APPOINTMENT_NEEDED',
    'ADDRESS_INCORRECT', 'ADDRESS_MOVED', 'ADDRESS_NO_ACCESS', 'OUT_OF_SERVICE_AREA', 'HOLD_SHIPPER', 'HOLD_INSTRUCTIONS',
    'HOLD_PAYMENT', 'HOLD_SECURITY', 'HOLD_REGULATORY', 'CUSTOMS_DELAY', 'CUSTOMS_INSPECTION', 'CUSTOMS_DOCUMENTS',
    'CUSTOMS_DUTIES', 'CUSTOMS_REFUSED', 'PACKAGING', 'DOCUMENTS_MISSING', 'DISCREPANCY', 'PROHIBITED_GOODS',
    'CANCELLED_BY_SHIPPER', 'LATE_TO_SHIP', 'IMPORT_INCOMPLETE');

-- The team that looks after an exception.
ALTER TABLE exception ADD COLUMN team TEXT;

-- Why nothing current is known of a shipment, where that is so.
CREATE TABLE unknown_status (
    shipment_id BLOB PRIMARY KEY REFERENCES shipment (id),
    company_id  BLOB NOT NULL REFERENCES company (id),
    cause       TEXT NOT NULL,
    since       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX unknown_status_cause ON unknown_status (company_id, cause, since, shipment_id);

CREATE TRIGGER unknown_status_counted_insert AFTER INSERT ON unknown_status
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number) VALUES (new.company_id, 'unknown', new.cause, 0, 1)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER unknown_status_counted_delete AFTER DELETE ON unknown_status
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number) VALUES (old.company_id, 'unknown', old.cause, 0, -1)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
-- What another shipment took over is known there.
CREATE TRIGGER unknown_status_merged AFTER UPDATE OF merged_into ON shipment WHEN new.merged_into IS NOT NULL
BEGIN
    DELETE FROM unknown_status WHERE shipment_id = new.id;
END;
