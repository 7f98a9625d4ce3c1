-- Remarks about some days, which charts show. Days are the company's.
CREATE TABLE annotation (
    id         BLOB PRIMARY KEY,
    company_id BLOB NOT NULL REFERENCES company (id),
    kind       TEXT NOT NULL,
    first_day  TEXT NOT NULL,
    last_day   TEXT NOT NULL,
    carrier    TEXT,
    text       TEXT NOT NULL,
    learning   TEXT NOT NULL,
    actor      TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX annotation_days ON annotation (company_id, last_day, first_day);

-- Saved reports; those with a next time go out by mail.
CREATE TABLE report (
    id         BLOB PRIMARY KEY,
    company_id BLOB NOT NULL REFERENCES company (id),
    owner_id   BLOB,
    sharing    TEXT NOT NULL,
    name       TEXT NOT NULL,
    content    TEXT NOT NULL,
    rhythm     TEXT,
    format     TEXT,
    -- addresses, sealed
    sent_to    BLOB,
    next_at    INTEGER,
    updated_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    CHECK ((rhythm IS NULL) = (sent_to IS NULL))
) STRICT;
CREATE INDEX report_name ON report (company_id, name, id);
CREATE INDEX report_due ON report (company_id, next_at) WHERE next_at IS NOT NULL;

-- Their mailings.
CREATE TABLE report_run (
    id         BLOB PRIMARY KEY,
    company_id BLOB NOT NULL REFERENCES company (id),
    report_id  BLOB NOT NULL REFERENCES report (id) ON DELETE CASCADE,
    due_at     INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'unknown', 'failed')),
    note       TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX report_run_newest ON report_run (company_id, report_id, due_at, id);
