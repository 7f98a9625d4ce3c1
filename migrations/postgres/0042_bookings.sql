-- Bookings: each the purchase of one label, kept before anything is sent. One for each key, wherever it is booked.
CREATE TABLE booking (
    id          UUID PRIMARY KEY,
    company_id  UUID NOT NULL,
    booking_key TEXT NOT NULL,
    connection  TEXT NOT NULL,
    -- the delivery in the order system
    system      TEXT NOT NULL,
    record      BIGINT NOT NULL,
    shipment_id UUID NOT NULL,
    phase       TEXT NOT NULL,
    data        TEXT NOT NULL,
    -- addresses, sealed under the customer's key
    request     BYTEA,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    UNIQUE (company_id, booking_key)
);
CREATE INDEX booking_delivery ON booking (company_id, system, record, created_at);
CREATE INDEX booking_shipment ON booking (company_id, shipment_id, created_at);
CREATE INDEX booking_newest ON booking (company_id, created_at, id);
CREATE INDEX booking_phase ON booking (company_id, phase, created_at, id);

-- Labels and papers for customs, sealed under the customer's key.
CREATE TABLE booking_document (
    company_id UUID NOT NULL,
    booking_id UUID NOT NULL REFERENCES booking (id) ON DELETE CASCADE,
    place      BIGINT NOT NULL,
    paper      TEXT NOT NULL,
    format     TEXT NOT NULL,
    digest     TEXT NOT NULL,
    content    BYTEA NOT NULL,
    PRIMARY KEY (booking_id, place)
);

-- Numbers that platforms track for us.
CREATE TABLE registration (
    company_id  UUID NOT NULL,
    connection  TEXT NOT NULL,
    number      TEXT NOT NULL,
    shipment_id UUID NOT NULL,
    tracking    TEXT NOT NULL,
    data        TEXT NOT NULL,
    updated_at  BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    PRIMARY KEY (company_id, connection, number)
);
CREATE INDEX registration_shipment ON registration (company_id, shipment_id);
