-- Replays: failed jobs or kept messages that a person takes up again, step by step.

CREATE TABLE replay (
    id         UUID PRIMARY KEY,
    company_id UUID NOT NULL,
    selection  TEXT NOT NULL,
    started_by TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    take       BIGINT NOT NULL,
    skip       BIGINT NOT NULL,
    taken      BIGINT NOT NULL DEFAULT 0,
    skipped    BIGINT NOT NULL DEFAULT 0,
    cursor     TEXT,
    state      TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped')),
    ended_at   BIGINT,
    CHECK ((state = 'running') = (ended_at IS NULL))
);
CREATE INDEX replay_newest ON replay (company_id, started_at, id);
