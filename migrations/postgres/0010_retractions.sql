-- Which events are told of which tracker under an id of their source's, and which of them are taken back: a retraction
-- may come first, name no number, or hang on another number than its event.

CREATE TABLE told_event (
    company_id UUID NOT NULL,
    source_id  UUID NOT NULL,
    event_id   TEXT NOT NULL,
    tracker_id UUID NOT NULL REFERENCES tracker (id),
    PRIMARY KEY (company_id, source_id, event_id, tracker_id)
);
CREATE INDEX told_event_tracker ON told_event (tracker_id);

CREATE TABLE retraction (
    company_id     UUID NOT NULL,
    source_id      UUID NOT NULL,
    event_id       TEXT NOT NULL,
    observation_id UUID NOT NULL,
    tracker_id     UUID NOT NULL REFERENCES tracker (id),
    PRIMARY KEY (company_id, source_id, event_id, observation_id)
);
