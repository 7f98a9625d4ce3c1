-- A message's key lies in its row, so that one that comes in is three rows and not four.

-- under which its body and its statements' words are sealed; none once destroyed
ALTER TABLE message ADD COLUMN wrapped BYTEA;
UPDATE message AS m SET wrapped = k.wrapped FROM vault_key k WHERE k.company_id = m.company_id AND k.subject = m.id;
DELETE FROM vault_key k USING message m WHERE k.company_id = m.company_id AND k.subject = m.id;

-- Its digest is of all by which a repetition is known (source, delivery key, body), so that it is looked for in one small
-- index. What came before has its id for a digest: repeated, it is kept once more, and its statements are known all the same.
DROP INDEX message_delivered;
DROP INDEX message_digested;
ALTER TABLE message DROP COLUMN delivery_key, ALTER COLUMN digest TYPE UUID USING id;
CREATE UNIQUE INDEX message_digest ON message (digest);

-- The key of a body is its message's. The months move to a new table: in the old one the column that is dropped would keep
-- its place, which each month to come would not have, and every row would be rewritten on its way in.
ALTER TABLE message_body RENAME TO message_body_before;
ALTER INDEX message_body_pkey RENAME TO message_body_before_pkey;
CREATE TABLE message_body (
    month      BIGINT NOT NULL,
    message_id UUID NOT NULL,
    company_id UUID NOT NULL,
    bytes      BYTEA NOT NULL,
    PRIMARY KEY (month, message_id)
) PARTITION BY LIST (month);
-- what is sealed has nothing to compress
ALTER TABLE message_body ALTER COLUMN bytes SET STORAGE EXTERNAL;
DO $$
DECLARE
    part TEXT;
BEGIN
    FOR part IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'message_body_before'::regclass LOOP
        EXECUTE format('ALTER TABLE message_body_before DETACH PARTITION %s', part);
        EXECUTE format('ALTER TABLE %s DROP COLUMN subject', part);
        EXECUTE format('ALTER TABLE message_body ATTACH PARTITION %s FOR VALUES IN (%s)', part, substring(part FROM '[0-9]+$'));
    END LOOP;
END
$$;
DROP TABLE message_body_before;

DROP TYPE incoming;
CREATE TYPE incoming AS (
    id              UUID,
    company_id      UUID,
    source_id       UUID,
    correlation     UUID,
    received_at     BIGINT,
    digest          UUID,
    headers         TEXT,
    content_type    TEXT,
    verified_by     TEXT,
    size            BIGINT,
    wrapped         BYTEA,
    month           BIGINT,
    bytes           BYTEA,
    job_id          UUID,
    kind            TEXT,
    target          TEXT,
    destination     TEXT,
    lane            TEXT,
    cause           TEXT,
    run_at          BIGINT,
    job_correlation UUID
);
