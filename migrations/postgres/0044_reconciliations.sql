-- Comparisons of the systems, step by step, and what differs. One comparison of a company runs at a time.
CREATE TABLE reconciliation (
    id         UUID PRIMARY KEY,
    company_id UUID NOT NULL,
    state      TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped', 'stalled')),
    started_by TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    stepped_at BIGINT NOT NULL,
    ended_at   BIGINT,
    since      BIGINT NOT NULL,
    dry_run    BOOLEAN NOT NULL,
    cursor     TEXT NOT NULL,
    total      BIGINT NOT NULL,
    compared   BIGINT NOT NULL DEFAULT 0,
    differing  BIGINT NOT NULL DEFAULT 0,
    opened     BIGINT NOT NULL DEFAULT 0,
    closed     BIGINT NOT NULL DEFAULT 0,
    fixes      BIGINT NOT NULL DEFAULT 0,
    tickets    BIGINT NOT NULL DEFAULT 0,
    CHECK ((state = 'running') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX reconciliation_running ON reconciliation (company_id) WHERE state = 'running';
CREATE INDEX reconciliation_newest ON reconciliation (company_id, started_at, id);
CREATE INDEX reconciliation_ended ON reconciliation (company_id, ended_at) WHERE state = 'done';

CREATE TABLE difference (
    id           UUID PRIMARY KEY,
    company_id   UUID NOT NULL,
    -- what it is: one topic of one record of one system
    system       TEXT NOT NULL,
    record       TEXT NOT NULL,
    topic        TEXT NOT NULL,
    shipment_id  UUID,
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
    event_at     BIGINT,
    opened_at    BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    seen_run     UUID,
    closed_at    BIGINT,
    resolution   TEXT,
    requested_at BIGINT,
    choice       TEXT,
    applied      BOOLEAN NOT NULL DEFAULT FALSE,
    owner_id     UUID,
    revision     BIGINT NOT NULL DEFAULT 0,
    CHECK ((closed_at IS NULL) = (resolution IS NULL))
);
CREATE UNIQUE INDEX difference_open ON difference (company_id, system, record, topic) WHERE closed_at IS NULL;
CREATE INDEX difference_age ON difference (company_id, opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX difference_closed ON difference (company_id, closed_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX difference_fixed ON difference (company_id, closed_at, id) WHERE resolution = 'fixed';
CREATE INDEX difference_kept ON difference (company_id, system, record, topic, closed_at) WHERE resolution = 'kept';

-- Shipments that ended, by when: those of the last days are compared too.
CREATE INDEX shipment_ended ON shipment (company_id, origin_system, updated_at, id)
    WHERE origin IS NOT NULL AND merged_into IS NULL AND terminal AND open_exceptions = 0;

CREATE FUNCTION difference_counted_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, 'difference', r.class || '/' || r.cause, 0, pg_backend_pid(), sum(r.sign)::bigint
    FROM (SELECT 1 AS sign, company_id, class, cause, closed_at FROM new_rows) r
    WHERE r.closed_at IS NULL
    GROUP BY r.company_id, r.class, r.cause HAVING sum(r.sign) <> 0
    ORDER BY r.company_id, r.class, r.cause
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER difference_counted_insert AFTER INSERT ON difference REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION difference_counted_insert();
CREATE FUNCTION difference_counted_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, 'difference', r.class || '/' || r.cause, 0, pg_backend_pid(), sum(r.sign)::bigint
    FROM (SELECT 1 AS sign, company_id, class, cause, closed_at FROM new_rows UNION ALL SELECT -1, company_id, class, cause, closed_at FROM old_rows) r
    WHERE r.closed_at IS NULL
    GROUP BY r.company_id, r.class, r.cause HAVING sum(r.sign) <> 0
    ORDER BY r.company_id, r.class, r.cause
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER difference_counted_update AFTER UPDATE ON difference REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION difference_counted_update();
CREATE FUNCTION difference_counted_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, 'difference', r.class || '/' || r.cause, 0, pg_backend_pid(), sum(r.sign)::bigint
    FROM (SELECT -1 AS sign, company_id, class, cause, closed_at FROM old_rows) r
    WHERE r.closed_at IS NULL
    GROUP BY r.company_id, r.class, r.cause HAVING sum(r.sign) <> 0
    ORDER BY r.company_id, r.class, r.cause
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER difference_counted_delete AFTER DELETE ON difference REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION difference_counted_delete();
