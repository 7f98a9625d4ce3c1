-- Replays: failed jobs or kept messages that a person takes up again, step by step.

CREATE TABLE replay (
    id         BLOB PRIMARY KEY,
    company_id BLOB NOT NULL REFERENCES company (id),
    selection  TEXT NOT NULL,
    started_by TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    take       INTEGER NOT NULL,
    skip       INTEGER NOT NULL,
    taken      INTEGER NOT NULL DEFAULT 0,
    skipped    INTEGER NOT NULL DEFAULT 0,
    cursor     TEXT,
    state      TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped')),
    ended_at   INTEGER,
    CHECK ((state = 'running') = (ended_at IS NULL))
) STRICT;
CREATE INDEX replay_newest ON replay (company_id, started_at, id);
