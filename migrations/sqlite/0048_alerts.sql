-- Operational alerts. One open alert for each kind and subject; a notice is one message over one channel, sent once.
CREATE TABLE alert (
    id              BLOB PRIMARY KEY,
    company_id      BLOB NOT NULL REFERENCES company (id),
    kind            TEXT NOT NULL,
    subject         TEXT NOT NULL,
    severity        TEXT NOT NULL,
    title           TEXT NOT NULL,
    detail          TEXT NOT NULL,
    affects         INTEGER NOT NULL,
    unit            TEXT NOT NULL,
    link            TEXT NOT NULL,
    -- the channels that a rule names; none: those that take it
    channels        TEXT NOT NULL,
    opened_at       INTEGER NOT NULL,
    seen_at         INTEGER NOT NULL,
    clear_since     INTEGER,
    raised_at       INTEGER NOT NULL,
    escalated       INTEGER NOT NULL,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    snoozed_until   INTEGER,
    snoozed_by      TEXT,
    snooze_why      TEXT NOT NULL,
    owner_id        BLOB,
    resolved_at     INTEGER,
    resolved_by     TEXT,
    resolution      TEXT NOT NULL,
    notices         INTEGER NOT NULL,
    revision        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX alert_open ON alert (company_id, kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX alert_resolved ON alert (company_id, resolved_at, id) WHERE resolved_at IS NOT NULL;
CREATE INDEX alert_opened ON alert (company_id, opened_at, kind);

CREATE TABLE alert_event (
    alert_id BLOB NOT NULL REFERENCES alert (id),
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    what     TEXT NOT NULL,
    actor    TEXT NOT NULL,
    detail   TEXT NOT NULL,
    PRIMARY KEY (alert_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_notice (
    id         BLOB PRIMARY KEY,
    company_id BLOB NOT NULL REFERENCES company (id),
    alert_id   BLOB NOT NULL REFERENCES alert (id),
    round      INTEGER NOT NULL,
    notice     TEXT NOT NULL,
    channel    TEXT NOT NULL,
    due_at     INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'unknown', 'failed', 'dropped')),
    ended_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX alert_notice_once ON alert_notice (alert_id, round, channel);
