-- Claims against carriers. One that is open for each shipment and reason.
CREATE TABLE claim (
    id           UUID PRIMARY KEY,
    company_id   UUID NOT NULL,
    number       BIGINT NOT NULL,
    shipment_id  UUID NOT NULL,
    exception_id UUID,
    reason       TEXT NOT NULL,
    status       TEXT NOT NULL,
    -- the list that it is in, and its place there
    stage        TEXT NOT NULL,
    rank         TEXT COLLATE "C" NOT NULL,
    -- the day of the next reminder
    remind_on    TEXT COLLATE "C",
    -- amounts in the currency's minor unit
    currency     TEXT,
    claimed      BIGINT,
    paid         BIGINT,
    paid_year    BIGINT,
    missed_year  BIGINT,
    data         TEXT NOT NULL,
    -- what people wrote, sealed
    note         BYTEA,
    owner_id     UUID,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    revision     BIGINT NOT NULL,
    UNIQUE (company_id, number),
    CHECK (claimed IS NULL OR currency IS NOT NULL)
);
CREATE UNIQUE INDEX claim_open ON claim (company_id, shipment_id, reason) WHERE stage IN ('to_file', 'waiting');
CREATE INDEX claim_shipment ON claim (company_id, shipment_id, number);
CREATE INDEX claim_rank ON claim (company_id, rank, number);
CREATE INDEX claim_stage ON claim (company_id, stage, rank, number);
CREATE INDEX claim_remind ON claim (company_id, remind_on, number) WHERE remind_on IS NOT NULL;

-- The last number that was given.
CREATE TABLE claim_number (
    company_id UUID PRIMARY KEY,
    last       BIGINT NOT NULL
);

-- Photos, reports, statements: sealed under the customer's key, else under the shipment's own.
CREATE TABLE claim_file (
    company_id UUID NOT NULL,
    claim_id   UUID NOT NULL REFERENCES claim (id) ON DELETE CASCADE,
    id         UUID NOT NULL,
    kind       TEXT NOT NULL,
    format     TEXT NOT NULL,
    size       BIGINT NOT NULL,
    digest     TEXT NOT NULL,
    name       BYTEA NOT NULL,
    content    BYTEA NOT NULL,
    added_at   BIGINT NOT NULL,
    PRIMARY KEY (claim_id, id)
);

-- What each claim counts for.
CREATE VIEW claim_counted AS
    SELECT id, company_id, 'claim' AS measure, stage AS key, 0::bigint AS bucket, 1::bigint AS number FROM claim
    UNION ALL SELECT id, company_id, 'claim_claimed', stage || '/' || currency, 0, claimed FROM claim WHERE claimed IS NOT NULL
    UNION ALL SELECT id, company_id, 'claim_paid', currency, paid_year, paid FROM claim WHERE paid_year IS NOT NULL
    UNION ALL SELECT id, company_id, 'claim_paid_of', currency, paid_year, claimed FROM claim WHERE paid_year IS NOT NULL AND claimed IS NOT NULL
    UNION ALL SELECT id, company_id, 'claim_missed', '', missed_year, 1 FROM claim WHERE missed_year IS NOT NULL
    UNION ALL SELECT id, company_id, 'claim_missed_of', currency, missed_year, claimed FROM claim WHERE missed_year IS NOT NULL AND claimed IS NOT NULL;

-- once before each row changes, once after
CREATE FUNCTION claim_counted_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign CONSTANT bigint := CASE TG_WHEN WHEN 'BEFORE' THEN -1 ELSE 1 END;
    counted CONSTANT uuid := CASE TG_WHEN WHEN 'BEFORE' THEN old.id ELSE new.id END;
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, r.measure, r.key, r.bucket, pg_backend_pid(), sign * r.number
    FROM claim_counted r WHERE r.id = counted ORDER BY r.measure, r.key, r.bucket
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    IF TG_OP = 'DELETE' THEN
        RETURN old;
    END IF;
    RETURN new;
END
$$;
CREATE TRIGGER claim_counted_insert AFTER INSERT ON claim FOR EACH ROW EXECUTE FUNCTION claim_counted_change();
CREATE TRIGGER claim_counted_before BEFORE UPDATE OR DELETE ON claim FOR EACH ROW EXECUTE FUNCTION claim_counted_change();
CREATE TRIGGER claim_counted_after AFTER UPDATE ON claim FOR EACH ROW EXECUTE FUNCTION claim_counted_change();
