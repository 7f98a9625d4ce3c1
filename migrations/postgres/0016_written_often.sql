-- Every step of a job that knocks at somebody's door wrote it. What is over is listed along job_done_newest and job_dead,
-- and of what is not over there is little enough to be sorted.

DROP INDEX job_newest;

-- A repeated delivery is looked for by its digest, which no other index could answer: one that begins with the company
-- looks as good while the table is small, and is not when it has grown.
CREATE UNIQUE INDEX message_delivered ON message (digest, delivery_key, source_id, company_id) WHERE delivery_key IS NOT NULL;
CREATE UNIQUE INDEX message_digested ON message (digest, source_id, company_id) WHERE delivery_key IS NULL;
DROP INDEX message_delivery;
DROP INDEX message_digest;

-- A message with its job, as the inbox gives them to one statement.
CREATE TYPE incoming AS (
    id              UUID,
    company_id      UUID,
    source_id       UUID,
    correlation     UUID,
    received_at     BIGINT,
    delivery_key    TEXT,
    digest          BYTEA,
    headers         TEXT,
    content_type    TEXT,
    verified_by     TEXT,
    size            BIGINT,
    month           BIGINT,
    subject         UUID,
    bytes           BYTEA,
    key_subject     UUID,
    wrapped         BYTEA,
    job_id          UUID,
    kind            TEXT,
    target          TEXT,
    destination     TEXT,
    lane            TEXT,
    cause           TEXT,
    run_at          BIGINT,
    job_correlation UUID
);
