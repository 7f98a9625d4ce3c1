-- Rules that people made or touched. Those that ship with the product are built in and have no row until then.
CREATE TABLE rule (
    company_id UUID NOT NULL,
    id         TEXT NOT NULL,
    owner      UUID,
    -- the version that runs; 0 is the built-in one
    active     BIGINT,
    halt       TEXT,
    draft      TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision   BIGINT NOT NULL,
    PRIMARY KEY (company_id, id)
);

-- Published versions; none ever changes.
CREATE TABLE rule_version (
    company_id   UUID NOT NULL,
    rule_id      TEXT NOT NULL,
    version      BIGINT NOT NULL,
    content      TEXT NOT NULL,
    written_by   TEXT NOT NULL,
    approved_by  TEXT,
    published_at BIGINT NOT NULL,
    back_to      BIGINT,
    PRIMARY KEY (company_id, rule_id, version)
);

-- How often rules acted, by day (days since 1970, UTC).
CREATE TABLE rule_day (
    company_id UUID NOT NULL,
    rule_id    TEXT NOT NULL,
    day        BIGINT NOT NULL,
    fired      BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    postponed  BIGINT NOT NULL,
    PRIMARY KEY (company_id, rule_id, day)
);

-- The exceptions because of which rules acted.
CREATE TABLE rule_firing (
    company_id   UUID NOT NULL,
    rule_id      TEXT NOT NULL,
    exception_id UUID NOT NULL,
    shipment_id  UUID NOT NULL,
    fired_at     BIGINT NOT NULL,
    PRIMARY KEY (company_id, rule_id, exception_id)
);
CREATE INDEX rule_firing_at ON rule_firing (company_id, fired_at);

-- Dry runs, and what each would have done.
CREATE TABLE rule_trial (
    id         UUID PRIMARY KEY,
    company_id UUID NOT NULL,
    rule_id    TEXT NOT NULL,
    data       TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    step       BIGINT NOT NULL
);
CREATE INDEX rule_trial_of ON rule_trial (company_id, rule_id, started_at);
CREATE TABLE rule_trial_row (
    company_id UUID NOT NULL,
    trial_id   UUID NOT NULL REFERENCES rule_trial (id) ON DELETE CASCADE,
    rank       BIGINT NOT NULL,
    place      BIGINT NOT NULL,
    data       TEXT NOT NULL,
    PRIMARY KEY (trial_id, rank, place)
);
