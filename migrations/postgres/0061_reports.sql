-- Remarks about some days, which charts show. Days are the company's.
CREATE TABLE annotation (
    id         UUID PRIMARY KEY,
    company_id UUID NOT NULL REFERENCES company (id),
    kind       TEXT NOT NULL,
    first_day  TEXT NOT NULL,
    last_day   TEXT NOT NULL,
    carrier    TEXT,
    text       TEXT NOT NULL,
    learning   TEXT NOT NULL,
    actor      TEXT NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX annotation_days ON annotation (company_id, last_day, first_day);

-- Saved reports; those with a next time go out by mail.
CREATE TABLE report (
    id         UUID PRIMARY KEY,
    company_id UUID NOT NULL REFERENCES company (id),
    owner_id   UUID,
    sharing    TEXT NOT NULL,
    name       TEXT NOT NULL,
    content    TEXT NOT NULL,
    rhythm     TEXT,
    format     TEXT,
    -- addresses, sealed
    sent_to    BYTEA,
    next_at    BIGINT,
    updated_at BIGINT NOT NULL,
    revision   BIGINT NOT NULL,
    CHECK ((rhythm IS NULL) = (sent_to IS NULL))
);
CREATE INDEX report_name ON report (company_id, name, id);
CREATE INDEX report_due ON report (company_id, next_at) WHERE next_at IS NOT NULL;

-- Their mailings.
CREATE TABLE report_run (
    id         UUID PRIMARY KEY,
    company_id UUID NOT NULL REFERENCES company (id),
    report_id  UUID NOT NULL REFERENCES report (id) ON DELETE CASCADE,
    due_at     BIGINT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'unknown', 'failed')),
    note       TEXT NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX report_run_newest ON report_run (company_id, report_id, due_at, id);
