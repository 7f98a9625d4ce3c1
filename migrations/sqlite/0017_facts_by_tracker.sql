-- What is told of one tracker lies together. A statement's id and a list's are digests: a tree by them has a page of its own
-- for nearly each row that comes, and every page that is changed is written twice, to the log and to the file. Only the
-- statements themselves are found by their ids alone.

CREATE TABLE reading_of_tracker (
    company_id     BLOB NOT NULL REFERENCES company (id),
    -- its statement's
    tracker_id     BLOB NOT NULL,
    observation_id BLOB NOT NULL,
    mapping        INTEGER NOT NULL,
    recorded_at    INTEGER NOT NULL,
    body           TEXT NOT NULL,
    PRIMARY KEY (tracker_id, observation_id, mapping),
    FOREIGN KEY (company_id, observation_id) REFERENCES observation (company_id, id)
) STRICT;
INSERT INTO reading_of_tracker (company_id, tracker_id, observation_id, mapping, recorded_at, body)
SELECT r.company_id, o.tracker_id, r.observation_id, r.mapping, r.recorded_at, r.body
FROM reading r JOIN observation o ON o.company_id = r.company_id AND o.id = r.observation_id ORDER BY r.rowid;
DROP TABLE reading;
ALTER TABLE reading_of_tracker RENAME TO reading;

CREATE TRIGGER reading_no_update BEFORE UPDATE ON reading
BEGIN
    SELECT RAISE(ABORT, 'readings are immutable');
END;

CREATE TABLE sighting_of_tracker (
    company_id     BLOB NOT NULL REFERENCES company (id),
    -- its statement's
    tracker_id     BLOB NOT NULL REFERENCES tracker (id),
    observation_id BLOB NOT NULL,
    message_id     BLOB NOT NULL,
    position       INTEGER NOT NULL,
    snapshot_id    BLOB,
    source_id      BLOB NOT NULL,
    trust          TEXT NOT NULL,
    recorded_at    INTEGER NOT NULL,
    PRIMARY KEY (tracker_id, observation_id, message_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO sighting_of_tracker (company_id, tracker_id, observation_id, message_id, position, snapshot_id, source_id, trust, recorded_at)
SELECT g.company_id, coalesce(o.tracker_id, g.tracker_id), g.observation_id, g.message_id, g.position, g.snapshot_id, g.source_id, g.trust, g.recorded_at
FROM sighting g LEFT JOIN observation o ON o.company_id = g.company_id AND o.id = g.observation_id;
DROP TABLE sighting;
ALTER TABLE sighting_of_tracker RENAME TO sighting;

CREATE TABLE snapshot_of_tracker (
    company_id  BLOB NOT NULL REFERENCES company (id),
    tracker_id  BLOB NOT NULL REFERENCES tracker (id),
    id          BLOB NOT NULL,
    source_id   BLOB NOT NULL,
    object      TEXT,
    stamp       INTEGER,
    digest      TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (tracker_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO snapshot_of_tracker (company_id, tracker_id, id, source_id, object, stamp, digest, recorded_at)
SELECT company_id, tracker_id, id, source_id, object, stamp, digest, recorded_at FROM snapshot;
DROP TABLE snapshot;
ALTER TABLE snapshot_of_tracker RENAME TO snapshot;
