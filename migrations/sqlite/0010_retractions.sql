-- Which events are told of which tracker under an id of their source's, and which of them are taken back: a retraction
-- may come first, name no number, or hang on another number than its event.

CREATE TABLE told_event (
    company_id BLOB NOT NULL REFERENCES company (id),
    source_id  BLOB NOT NULL,
    event_id   TEXT NOT NULL,
    tracker_id BLOB NOT NULL REFERENCES tracker (id),
    PRIMARY KEY (company_id, source_id, event_id, tracker_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_event_tracker ON told_event (tracker_id);

CREATE TABLE retraction (
    company_id     BLOB NOT NULL REFERENCES company (id),
    source_id      BLOB NOT NULL,
    event_id       TEXT NOT NULL,
    observation_id BLOB NOT NULL,
    tracker_id     BLOB NOT NULL REFERENCES tracker (id),
    PRIMARY KEY (company_id, source_id, event_id, observation_id)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO told_event (company_id, source_id, event_id, tracker_id)
SELECT o.company_id, s.source_id, json_extract(o.body, '$.provider_event_id'), o.tracker_id
FROM observation o JOIN sighting s ON s.company_id = o.company_id AND s.observation_id = o.id
WHERE json_extract(o.body, '$.provider_event_id') IS NOT NULL AND json_extract(o.body, '$.retracts') IS NULL;

INSERT OR IGNORE INTO retraction (company_id, source_id, event_id, observation_id, tracker_id)
SELECT o.company_id, s.source_id, json_extract(o.body, '$.retracts'), o.id, o.tracker_id
FROM observation o JOIN sighting s ON s.company_id = o.company_id AND s.observation_id = o.id
WHERE json_extract(o.body, '$.retracts') IS NOT NULL;
