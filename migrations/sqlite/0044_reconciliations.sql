-- Comparisons of the systems, step by step, and what differs. One comparison of a company runs at a time.
CREATE TABLE reconciliation (
    id         BLOB PRIMARY KEY,
    company_id BLOB NOT NULL REFERENCES company (id),
    state      TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped', 'stalled')),
    started_by TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    stepped_at INTEGER NOT NULL,
    ended_at   INTEGER,
    since      INTEGER NOT NULL,
    dry_run    INTEGER NOT NULL,
    cursor     TEXT NOT NULL,
    total      INTEGER NOT NULL,
    compared   INTEGER NOT NULL DEFAULT 0,
    differing  INTEGER NOT NULL DEFAULT 0,
    opened     INTEGER NOT NULL DEFAULT 0,
    closed     INTEGER NOT NULL DEFAULT 0,
    fixes      INTEGER NOT NULL DEFAULT 0,
    tickets    INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 'running') = (ended_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX reconciliation_running ON reconciliation (company_id) WHERE state = 'running';
CREATE INDEX reconciliation_newest ON reconciliation (company_id, started_at, id);
CREATE INDEX reconciliation_ended ON reconciliation (company_id, ended_at) WHERE state = 'done';

CREATE TABLE difference (
    id           BLOB PRIMARY KEY,
    company_id   BLOB NOT NULL REFERENCES company (id),
    -- what it is: one topic of one record of one system
    system       TEXT NOT NULL,
    record       TEXT NOT NULL,
    topic        TEXT NOT NULL,
    shipment_id  BLOB,
    name         TEXT NOT NULL,
    order_name   TEXT,
    carrier      TEXT,
    class        TEXT NOT NULL CHECK (class IN ('safe', 'decision', 'waits')),
    cause        TEXT NOT NULL,
    fix          TEXT NOT NULL,
    -- what each system says, and the same as one value that a decision is about
    odoo         TEXT NOT NULL,
    ours         TEXT NOT NULL,
    desk         TEXT NOT NULL,
    said         TEXT NOT NULL,
    event_at     INTEGER,
    opened_at    INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    seen_run     BLOB,
    closed_at    INTEGER,
    resolution   TEXT,
    requested_at INTEGER,
    choice       TEXT,
    applied      INTEGER NOT NULL DEFAULT 0,
    owner_id     BLOB,
    revision     INTEGER NOT NULL DEFAULT 0,
    CHECK ((closed_at IS NULL) = (resolution IS NULL))
) STRICT;
CREATE UNIQUE INDEX difference_open ON difference (company_id, system, record, topic) WHERE closed_at IS NULL;
CREATE INDEX difference_age ON difference (company_id, opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX difference_closed ON difference (company_id, closed_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX difference_fixed ON difference (company_id, closed_at, id) WHERE resolution = 'fixed';
CREATE INDEX difference_kept ON difference (company_id, system, record, topic, closed_at) WHERE resolution = 'kept';

-- Shipments that ended, by when: those of the last days are compared too.
CREATE INDEX shipment_ended ON shipment (company_id, origin_system, updated_at, id)
    WHERE origin IS NOT NULL AND merged_into IS NULL AND terminal = 1 AND open_exceptions = 0;

CREATE TRIGGER difference_counted_insert AFTER INSERT ON difference
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'difference', new.class || '/' || new.cause, 0, 1 WHERE new.closed_at IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER difference_counted_update AFTER UPDATE OF class, cause, closed_at ON difference
WHEN (old.closed_at IS NULL) IS NOT (new.closed_at IS NULL) OR old.class IS NOT new.class OR old.cause IS NOT new.cause
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'difference', old.class || '/' || old.cause, 0, -1 WHERE old.closed_at IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'difference', new.class || '/' || new.cause, 0, 1 WHERE new.closed_at IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER difference_counted_delete AFTER DELETE ON difference
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'difference', old.class || '/' || old.cause, 0, -1 WHERE old.closed_at IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
