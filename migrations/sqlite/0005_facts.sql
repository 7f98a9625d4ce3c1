-- Trackers, what was said about them, and whom they concern.

CREATE TABLE tracker (
    id            BLOB PRIMARY KEY,
    company_id    BLOB NOT NULL REFERENCES company (id),
    carrier       TEXT,
    number        TEXT NOT NULL,
    number_raw    TEXT NOT NULL,
    carrier_label TEXT,
    refs          TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX tracker_key ON tracker (company_id, number, ifnull(carrier, ''));

-- Append-only: an end is a row of its own.
CREATE TABLE binding (
    id          BLOB PRIMARY KEY,
    company_id  BLOB NOT NULL REFERENCES company (id),
    tracker_id  BLOB NOT NULL REFERENCES tracker (id),
    shipment_id BLOB NOT NULL REFERENCES shipment (id),
    piece       TEXT,
    number_raw  TEXT NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX binding_tracker ON binding (tracker_id);
CREATE INDEX binding_shipment ON binding (shipment_id);

CREATE TABLE binding_end (
    binding_id  BLOB PRIMARY KEY REFERENCES binding (id),
    company_id  BLOB NOT NULL REFERENCES company (id),
    recorded_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER binding_no_update BEFORE UPDATE ON binding
BEGIN
    SELECT RAISE(ABORT, 'bindings are append-only');
END;
CREATE TRIGGER binding_end_no_update BEFORE UPDATE ON binding_end
BEGIN
    SELECT RAISE(ABORT, 'bindings are append-only');
END;

CREATE TABLE observation (
    id           BLOB NOT NULL,
    company_id   BLOB NOT NULL REFERENCES company (id),
    tracker_id   BLOB NOT NULL REFERENCES tracker (id),
    body         TEXT NOT NULL,
    text_subject BLOB,
    text         BLOB,
    recorded_at  INTEGER NOT NULL,
    PRIMARY KEY (company_id, id)
) STRICT;
CREATE INDEX observation_tracker ON observation (tracker_id);

CREATE TRIGGER observation_no_update BEFORE UPDATE ON observation
BEGIN
    SELECT RAISE(ABORT, 'observations are immutable');
END;

CREATE TABLE reading (
    company_id     BLOB NOT NULL REFERENCES company (id),
    observation_id BLOB NOT NULL,
    mapping        INTEGER NOT NULL,
    recorded_at    INTEGER NOT NULL,
    body           TEXT NOT NULL,
    PRIMARY KEY (company_id, observation_id, mapping),
    FOREIGN KEY (company_id, observation_id) REFERENCES observation (company_id, id)
) STRICT;

CREATE TRIGGER reading_no_update BEFORE UPDATE ON reading
BEGIN
    SELECT RAISE(ABORT, 'readings are immutable');
END;

-- The codes that the latest reading does not know; a later reading that knows them takes the row away.
CREATE TABLE unmapped (
    company_id     BLOB NOT NULL REFERENCES company (id),
    observation_id BLOB NOT NULL,
    list           TEXT NOT NULL,
    value          TEXT NOT NULL,
    recorded_at    INTEGER NOT NULL,
    PRIMARY KEY (company_id, observation_id)
) STRICT;
CREATE INDEX unmapped_code ON unmapped (company_id, list, value, recorded_at);

-- Lists that providers sent at once. The same list heard twice is one; its time is the first.
CREATE TABLE snapshot (
    id          BLOB NOT NULL,
    company_id  BLOB NOT NULL REFERENCES company (id),
    source_id   BLOB NOT NULL,
    tracker_id  BLOB NOT NULL REFERENCES tracker (id),
    object      TEXT,
    stamp       INTEGER,
    digest      TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (company_id, id)
) STRICT;
CREATE INDEX snapshot_tracker ON snapshot (tracker_id);

CREATE TABLE sighting (
    company_id     BLOB NOT NULL REFERENCES company (id),
    observation_id BLOB NOT NULL,
    message_id     BLOB NOT NULL,
    position       INTEGER NOT NULL,
    tracker_id     BLOB NOT NULL REFERENCES tracker (id),
    snapshot_id    BLOB,
    source_id      BLOB NOT NULL,
    trust          TEXT NOT NULL,
    recorded_at    INTEGER NOT NULL,
    PRIMARY KEY (company_id, observation_id, message_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX sighting_tracker ON sighting (tracker_id);
