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
    shipment_id UUID PRIMARY KEY REFERENCES shipment (id),
    company_id  UUID NOT NULL REFERENCES company (id),
    cause       TEXT NOT NULL,
    since       BIGINT NOT NULL
);
CREATE INDEX unknown_status_cause ON unknown_status (company_id, cause, since, shipment_id);

CREATE FUNCTION unknown_status_counted_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, 'unknown', r.cause, 0, pg_backend_pid(), count(*) FROM new_rows r
    GROUP BY r.company_id, r.cause ORDER BY r.company_id, r.cause
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER unknown_status_counted_insert AFTER INSERT ON unknown_status REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION unknown_status_counted_insert();
CREATE FUNCTION unknown_status_counted_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, 'unknown', r.cause, 0, pg_backend_pid(), -count(*) FROM old_rows r
    GROUP BY r.company_id, r.cause ORDER BY r.company_id, r.cause
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER unknown_status_counted_delete AFTER DELETE ON unknown_status REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION unknown_status_counted_delete();

-- What another shipment took over is known there.
CREATE FUNCTION unknown_status_merged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM unknown_status WHERE shipment_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER unknown_status_merged AFTER UPDATE OF merged_into ON shipment
    FOR EACH ROW WHEN (NEW.merged_into IS NOT NULL) EXECUTE FUNCTION unknown_status_merged();
