-- Operational alerts. One open alert for each kind and subject; a notice is one message over one channel, sent once.
CREATE TABLE alert (
    id              UUID PRIMARY KEY,
    company_id      UUID NOT NULL,
    kind            TEXT NOT NULL,
    subject         TEXT NOT NULL,
    severity        TEXT NOT NULL,
    title           TEXT NOT NULL,
    detail          TEXT NOT NULL,
    affects         BIGINT NOT NULL,
    unit            TEXT NOT NULL,
    link            TEXT NOT NULL,
    -- the channels that a rule names; none: those that take it
    channels        TEXT NOT NULL,
    opened_at       BIGINT NOT NULL,
    seen_at         BIGINT NOT NULL,
    clear_since     BIGINT,
    raised_at       BIGINT NOT NULL,
    escalated       BIGINT NOT NULL,
    acknowledged_at BIGINT,
    acknowledged_by TEXT,
    snoozed_until   BIGINT,
    snoozed_by      TEXT,
    snooze_why      TEXT NOT NULL,
    owner_id        UUID,
    resolved_at     BIGINT,
    resolved_by     TEXT,
    resolution      TEXT NOT NULL,
    notices         BIGINT NOT NULL,
    revision        BIGINT NOT NULL
);
CREATE UNIQUE INDEX alert_open ON alert (company_id, kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX alert_resolved ON alert (company_id, resolved_at, id) WHERE resolved_at IS NOT NULL;
CREATE INDEX alert_opened ON alert (company_id, opened_at, kind);

CREATE TABLE alert_event (
    alert_id UUID NOT NULL REFERENCES alert (id),
    seq      BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    what     TEXT NOT NULL,
    actor    TEXT NOT NULL,
    detail   TEXT NOT NULL,
    PRIMARY KEY (alert_id, seq)
);

CREATE TABLE alert_notice (
    id         UUID PRIMARY KEY,
    company_id UUID NOT NULL,
    alert_id   UUID NOT NULL REFERENCES alert (id),
    round      BIGINT NOT NULL,
    notice     TEXT NOT NULL,
    channel    TEXT NOT NULL,
    due_at     BIGINT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'unknown', 'failed', 'dropped')),
    ended_at   BIGINT
);
CREATE UNIQUE INDEX alert_notice_once ON alert_notice (alert_id, round, channel);
