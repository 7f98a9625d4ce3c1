-- Claims against carriers. One that is open for each shipment and reason.
CREATE TABLE claim (
    id           BLOB PRIMARY KEY,
    company_id   BLOB NOT NULL REFERENCES company (id),
    number       INTEGER NOT NULL,
    shipment_id  BLOB NOT NULL,
    exception_id BLOB,
    reason       TEXT NOT NULL,
    status       TEXT NOT NULL,
    -- the list that it is in, and its place there
    stage        TEXT NOT NULL,
    rank         TEXT NOT NULL,
    -- the day of the next reminder
    remind_on    TEXT,
    -- amounts in the currency's minor unit
    currency     TEXT,
    claimed      INTEGER,
    paid         INTEGER,
    paid_year    INTEGER,
    missed_year  INTEGER,
    data         TEXT NOT NULL,
    -- what people wrote, sealed
    note         BLOB,
    owner_id     BLOB,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    UNIQUE (company_id, number),
    CHECK (claimed IS NULL OR currency IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX claim_open ON claim (company_id, shipment_id, reason) WHERE stage IN ('to_file', 'waiting');
CREATE INDEX claim_shipment ON claim (company_id, shipment_id, number);
CREATE INDEX claim_rank ON claim (company_id, rank, number);
CREATE INDEX claim_stage ON claim (company_id, stage, rank, number);
CREATE INDEX claim_remind ON claim (company_id, remind_on, number) WHERE remind_on IS NOT NULL;

-- The last number that was given.
CREATE TABLE claim_number (
    company_id BLOB PRIMARY KEY REFERENCES company (id),
    last       INTEGER NOT NULL
) STRICT;

-- Photos, reports, statements: sealed under the customer's key, else under the shipment's own.
CREATE TABLE claim_file (
    company_id BLOB NOT NULL REFERENCES company (id),
    claim_id   BLOB NOT NULL REFERENCES claim (id) ON DELETE CASCADE,
    id         BLOB NOT NULL,
    kind       TEXT NOT NULL,
    format     TEXT NOT NULL,
    size       INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    name       BLOB NOT NULL,
    content    BLOB NOT NULL,
    added_at   INTEGER NOT NULL,
    PRIMARY KEY (claim_id, id)
) STRICT;

-- What each claim counts for.
CREATE VIEW claim_counted AS
    SELECT id, company_id, 'claim' AS measure, stage AS key, 0 AS bucket, 1 AS number FROM claim
    UNION ALL SELECT id, company_id, 'claim_claimed', stage || '/' || currency, 0, claimed FROM claim WHERE claimed IS NOT NULL
    UNION ALL SELECT id, company_id, 'claim_paid', currency, paid_year, paid FROM claim WHERE paid_year IS NOT NULL
    UNION ALL SELECT id, company_id, 'claim_paid_of', currency, paid_year, claimed FROM claim WHERE paid_year IS NOT NULL AND claimed IS NOT NULL
    UNION ALL SELECT id, company_id, 'claim_missed', '', missed_year, 1 FROM claim WHERE missed_year IS NOT NULL
    UNION ALL SELECT id, company_id, 'claim_missed_of', currency, missed_year, claimed FROM claim WHERE missed_year IS NOT NULL AND claimed IS NOT NULL;

CREATE TRIGGER claim_counted_insert AFTER INSERT ON claim
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT company_id, measure, key, bucket, number FROM claim_counted WHERE id = new.id
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER claim_counted_before BEFORE UPDATE ON claim
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT company_id, measure, key, bucket, -number FROM claim_counted WHERE id = old.id
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER claim_counted_after AFTER UPDATE ON claim
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT company_id, measure, key, bucket, number FROM claim_counted WHERE id = new.id
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER claim_counted_delete BEFORE DELETE ON claim
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT company_id, measure, key, bucket, -number FROM claim_counted WHERE id = old.id
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
