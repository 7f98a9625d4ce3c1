-- When the time alone may have ended the tracking of a number; those that are tracked now are looked at once.
ALTER TABLE registration ADD COLUMN due_at BIGINT;
UPDATE registration SET due_at = updated_at WHERE tracking = 'registered';
CREATE INDEX registration_due ON registration (company_id, due_at) WHERE due_at IS NOT NULL;

-- Whether a booking is the newest of its parcel.
ALTER TABLE booking ADD COLUMN newest BIGINT NOT NULL DEFAULT 1;
UPDATE booking SET newest = 0 WHERE EXISTS (
    SELECT 1 FROM booking later
    WHERE later.company_id = booking.company_id AND later.system = booking.system AND later.record = booking.record
      AND later.data::jsonb #>> '{wanted,parcel}' = booking.data::jsonb #>> '{wanted,parcel}'
      AND (later.data::jsonb #>> '{wanted,generation}')::bigint > (booking.data::jsonb #>> '{wanted,generation}')::bigint);
CREATE INDEX booking_newest_phase ON booking (company_id, phase, created_at, shipment_id) WHERE newest = 1;

-- What people have booked for a delivery beside the rules, until it is planned or refused.
CREATE TABLE booking_order (
    company_id  UUID NOT NULL,
    shipment_id UUID NOT NULL,
    data        TEXT NOT NULL,
    ordered_at  BIGINT NOT NULL,
    PRIMARY KEY (company_id, shipment_id)
);
