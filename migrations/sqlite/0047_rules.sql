-- Rules that people made or touched. Those that ship with the product are built in and have no row until then.
CREATE TABLE rule (
    company_id BLOB NOT NULL REFERENCES company (id),
    id         TEXT NOT NULL,
    owner      BLOB,
    -- the version that runs; 0 is the built-in one
    active     INTEGER,
    halt       TEXT,
    draft      TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    PRIMARY KEY (company_id, id)
) STRICT;

-- Published versions; none ever changes.
CREATE TABLE rule_version (
    company_id   BLOB NOT NULL REFERENCES company (id),
    rule_id      TEXT NOT NULL,
    version      INTEGER NOT NULL,
    content      TEXT NOT NULL,
    written_by   TEXT NOT NULL,
    approved_by  TEXT,
    published_at INTEGER NOT NULL,
    back_to      INTEGER,
    PRIMARY KEY (company_id, rule_id, version)
) STRICT;

-- How often rules acted, by day (days since 1970, UTC).
CREATE TABLE rule_day (
    company_id BLOB NOT NULL REFERENCES company (id),
    rule_id    TEXT NOT NULL,
    day        INTEGER NOT NULL,
    fired      INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    postponed  INTEGER NOT NULL,
    PRIMARY KEY (company_id, rule_id, day)
) STRICT;

-- The exceptions because of which rules acted.
CREATE TABLE rule_firing (
    company_id   BLOB NOT NULL REFERENCES company (id),
    rule_id      TEXT NOT NULL,
    exception_id BLOB NOT NULL,
    shipment_id  BLOB NOT NULL,
    fired_at     INTEGER NOT NULL,
    PRIMARY KEY (company_id, rule_id, exception_id)
) STRICT;
CREATE INDEX rule_firing_at ON rule_firing (company_id, fired_at);

-- Dry runs, and what each would have done.
CREATE TABLE rule_trial (
    id         BLOB PRIMARY KEY,
    company_id BLOB NOT NULL REFERENCES company (id),
    rule_id    TEXT NOT NULL,
    data       TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    step       INTEGER NOT NULL
) STRICT;
CREATE INDEX rule_trial_of ON rule_trial (company_id, rule_id, started_at);
CREATE TABLE rule_trial_row (
    company_id BLOB NOT NULL REFERENCES company (id),
    trial_id   BLOB NOT NULL REFERENCES rule_trial (id) ON DELETE CASCADE,
    rank       INTEGER NOT NULL,
    place      INTEGER NOT NULL,
    data       TEXT NOT NULL,
    PRIMARY KEY (trial_id, rank, place)
) STRICT;
