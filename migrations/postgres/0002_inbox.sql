-- Sources and the messages they sent, as received.

CREATE TABLE source (
    id              UUID PRIMARY KEY,
    company_id      UUID NOT NULL,
    name            TEXT NOT NULL UNIQUE,
    connector       TEXT NOT NULL,
    scheme          TEXT NOT NULL,
    secrets_subject UUID NOT NULL,
    secrets         BYTEA NOT NULL,
    secret_set_at   BIGINT NOT NULL,
    enabled         BOOLEAN NOT NULL,
    sandbox         BOOLEAN NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX source_company ON source (company_id, name);

CREATE TABLE message (
    id           UUID PRIMARY KEY,
    company_id   UUID NOT NULL,
    source_id    UUID NOT NULL,
    correlation  UUID NOT NULL,
    received_at  BIGINT NOT NULL,
    delivery_key TEXT,
    digest       BYTEA NOT NULL,
    headers      TEXT NOT NULL,
    content_type TEXT,
    verified_by  TEXT NOT NULL,
    size         BIGINT NOT NULL,
    repeats      BIGINT NOT NULL DEFAULT 0,
    status       TEXT NOT NULL DEFAULT 'received'
                 CHECK (status IN ('received', 'normalised', 'ignored', 'quarantined')),
    observations BIGINT NOT NULL DEFAULT 0,
    problems     BIGINT NOT NULL DEFAULT 0,
    reason       TEXT
);
-- A repeated delivery has the key and the digest of a kept one; where the provider has no keys the digest decides.
CREATE UNIQUE INDEX message_delivery ON message (company_id, source_id, digest, delivery_key) WHERE delivery_key IS NOT NULL;
CREATE UNIQUE INDEX message_digest ON message (company_id, source_id, digest) WHERE delivery_key IS NULL;
CREATE INDEX message_newest ON message (company_id, received_at, id);
CREATE INDEX message_quarantine ON message (company_id, received_at, id) WHERE status = 'quarantined';

-- Bodies lie apart, one partition a month (202611), so that retention drops them in bulk. Partitions are made when a
-- month is first written to.
CREATE TABLE message_body (
    month      BIGINT NOT NULL,
    message_id UUID NOT NULL,
    company_id UUID NOT NULL,
    subject    UUID NOT NULL,
    bytes      BYTEA NOT NULL,
    PRIMARY KEY (month, message_id)
) PARTITION BY LIST (month);
