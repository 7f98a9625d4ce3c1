-- Trackers, what was said about them, and whom they concern.

CREATE TABLE tracker (
    id            UUID PRIMARY KEY,
    company_id    UUID NOT NULL,
    carrier       TEXT,
    number        TEXT NOT NULL,
    number_raw    TEXT NOT NULL,
    carrier_label TEXT,
    refs          TEXT NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX tracker_key ON tracker (company_id, number, coalesce(carrier, ''));

-- Append-only: an end is a row of its own.
CREATE TABLE binding (
    id          UUID PRIMARY KEY,
    company_id  UUID NOT NULL,
    tracker_id  UUID NOT NULL REFERENCES tracker (id),
    shipment_id UUID NOT NULL REFERENCES shipment (id),
    piece       TEXT,
    number_raw  TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE INDEX binding_tracker ON binding (tracker_id);
CREATE INDEX binding_shipment ON binding (shipment_id);

CREATE TABLE binding_end (
    binding_id  UUID PRIMARY KEY REFERENCES binding (id),
    company_id  UUID NOT NULL,
    recorded_at BIGINT NOT NULL
);

CREATE TRIGGER binding_no_update BEFORE UPDATE ON binding FOR EACH ROW EXECUTE FUNCTION refuse('bindings are append-only');
CREATE TRIGGER binding_end_no_update BEFORE UPDATE ON binding_end FOR EACH ROW EXECUTE FUNCTION refuse('bindings are append-only');

CREATE TABLE observation (
    id           UUID NOT NULL,
    company_id   UUID NOT NULL,
    tracker_id   UUID NOT NULL REFERENCES tracker (id),
    body         TEXT NOT NULL,
    text_subject UUID,
    text         BYTEA,
    -- every code that the mapping may look up, as `list value`
    codes        TEXT[] NOT NULL,
    recorded_at  BIGINT NOT NULL,
    PRIMARY KEY (company_id, id)
);
CREATE INDEX observation_tracker ON observation (tracker_id);

CREATE TRIGGER observation_no_update BEFORE UPDATE ON observation FOR EACH ROW EXECUTE FUNCTION refuse('observations are immutable');

CREATE TABLE reading (
    company_id     UUID NOT NULL,
    observation_id UUID NOT NULL,
    mapping        BIGINT NOT NULL,
    recorded_at    BIGINT NOT NULL,
    body           TEXT NOT NULL,
    PRIMARY KEY (company_id, observation_id, mapping),
    FOREIGN KEY (company_id, observation_id) REFERENCES observation (company_id, id)
);

CREATE TRIGGER reading_no_update BEFORE UPDATE ON reading FOR EACH ROW EXECUTE FUNCTION refuse('readings are immutable');

-- The codes that the latest reading does not know; a later reading that knows them takes the row away.
CREATE TABLE unmapped (
    company_id     UUID NOT NULL,
    observation_id UUID NOT NULL,
    list           TEXT COLLATE "C" NOT NULL,
    value          TEXT COLLATE "C" NOT NULL,
    recorded_at    BIGINT NOT NULL,
    PRIMARY KEY (company_id, observation_id)
);
CREATE INDEX unmapped_code ON unmapped (company_id, list, value, recorded_at);

-- Lists that providers sent at once. The same list heard twice is one; its time is the first.
CREATE TABLE snapshot (
    id          UUID NOT NULL,
    company_id  UUID NOT NULL,
    source_id   UUID NOT NULL,
    tracker_id  UUID NOT NULL REFERENCES tracker (id),
    object      TEXT,
    stamp       BIGINT,
    digest      TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    PRIMARY KEY (company_id, id)
);
CREATE INDEX snapshot_tracker ON snapshot (tracker_id);

CREATE TABLE sighting (
    company_id     UUID NOT NULL,
    observation_id UUID NOT NULL,
    message_id     UUID NOT NULL,
    position       BIGINT NOT NULL,
    tracker_id     UUID NOT NULL REFERENCES tracker (id),
    snapshot_id    UUID,
    source_id      UUID NOT NULL,
    trust          TEXT NOT NULL,
    recorded_at    BIGINT NOT NULL,
    PRIMARY KEY (company_id, observation_id, message_id, position)
);
CREATE INDEX sighting_tracker ON sighting (tracker_id);
