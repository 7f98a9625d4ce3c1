-- Bookings: each the purchase of one label, kept before anything is sent. One for each key, wherever it is booked.
CREATE TABLE booking (
    id          BLOB PRIMARY KEY,
    company_id  BLOB NOT NULL REFERENCES company (id),
    booking_key TEXT NOT NULL,
    connection  TEXT NOT NULL,
    -- the delivery in the order system
    system      TEXT NOT NULL,
    record      INTEGER NOT NULL,
    shipment_id BLOB NOT NULL,
    phase       TEXT NOT NULL,
    data        TEXT NOT NULL,
    -- addresses, sealed under the customer's key
    request     BLOB,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    UNIQUE (company_id, booking_key)
) STRICT;
CREATE INDEX booking_delivery ON booking (company_id, system, record, created_at);
CREATE INDEX booking_shipment ON booking (company_id, shipment_id, created_at);
CREATE INDEX booking_newest ON booking (company_id, created_at, id);
CREATE INDEX booking_phase ON booking (company_id, phase, created_at, id);

-- Labels and papers for customs, sealed under the customer's key.
CREATE TABLE booking_document (
    company_id BLOB NOT NULL REFERENCES company (id),
    booking_id BLOB NOT NULL REFERENCES booking (id) ON DELETE CASCADE,
    place      INTEGER NOT NULL,
    paper      TEXT NOT NULL,
    format     TEXT NOT NULL,
    digest     TEXT NOT NULL,
    content    BLOB NOT NULL,
    PRIMARY KEY (booking_id, place)
) STRICT;

-- Numbers that platforms track for us.
CREATE TABLE registration (
    company_id  BLOB NOT NULL REFERENCES company (id),
    connection  TEXT NOT NULL,
    number      TEXT NOT NULL,
    shipment_id BLOB NOT NULL,
    tracking    TEXT NOT NULL,
    data        TEXT NOT NULL,
    updated_at  INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    PRIMARY KEY (company_id, connection, number)
) STRICT;
CREATE INDEX registration_shipment ON registration (company_id, shipment_id);
