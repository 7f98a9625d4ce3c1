-- When the time alone may have ended the tracking of a number; those that are tracked now are looked at once.
ALTER TABLE registration ADD COLUMN due_at INTEGER;
UPDATE registration SET due_at = updated_at WHERE tracking = 'registered';
CREATE INDEX registration_due ON registration (company_id, due_at) WHERE due_at IS NOT NULL;

-- Whether a booking is the newest of its parcel.
ALTER TABLE booking ADD COLUMN newest INTEGER NOT NULL DEFAULT 1;
UPDATE booking SET newest = 0 WHERE EXISTS (
    SELECT 1 FROM booking later
    WHERE later.company_id = booking.company_id AND later.system = booking.system AND later.record = booking.record
      AND json_extract(later.data, '$.wanted.parcel') = json_extract(booking.data, '$.wanted.parcel')
      AND json_extract(later.data, '$.wanted.generation') > json_extract(booking.data, '$.wanted.generation'));
CREATE INDEX booking_newest_phase ON booking (company_id, phase, created_at, shipment_id) WHERE newest = 1;

-- What people have booked for a delivery beside the rules, until it is planned or refused.
CREATE TABLE booking_order (
    company_id  BLOB NOT NULL REFERENCES company (id),
    shipment_id BLOB NOT NULL,
    data        TEXT NOT NULL,
    ordered_at  INTEGER NOT NULL,
    PRIMARY KEY (company_id, shipment_id)
) STRICT;
