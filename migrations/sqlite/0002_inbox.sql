-- Sources and the messages they sent, as received.

CREATE TABLE source (
    id              BLOB PRIMARY KEY,
    company_id      BLOB NOT NULL REFERENCES company (id),
    name            TEXT NOT NULL UNIQUE,
    connector       TEXT NOT NULL,
    scheme          TEXT NOT NULL,
    secrets_subject BLOB NOT NULL,
    secrets         BLOB NOT NULL,
    secret_set_at   INTEGER NOT NULL,
    enabled         INTEGER NOT NULL,
    sandbox         INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX source_company ON source (company_id, name);

CREATE TABLE message (
    id           BLOB PRIMARY KEY,
    company_id   BLOB NOT NULL REFERENCES company (id),
    source_id    BLOB NOT NULL REFERENCES source (id),
    correlation  BLOB NOT NULL,
    received_at  INTEGER NOT NULL,
    delivery_key TEXT,
    digest       BLOB NOT NULL,
    headers      TEXT NOT NULL,
    content_type TEXT,
    verified_by  TEXT NOT NULL,
    size         INTEGER NOT NULL,
    repeats      INTEGER NOT NULL DEFAULT 0,
    status       TEXT NOT NULL DEFAULT 'received'
                 CHECK (status IN ('received', 'normalised', 'ignored', 'quarantined')),
    observations INTEGER NOT NULL DEFAULT 0,
    problems     INTEGER NOT NULL DEFAULT 0,
    reason       TEXT
) STRICT;
-- A repeated delivery has the key and the digest of a kept one; where the provider has no keys the digest decides.
CREATE UNIQUE INDEX message_delivery ON message (company_id, source_id, digest, delivery_key) WHERE delivery_key IS NOT NULL;
CREATE UNIQUE INDEX message_digest ON message (company_id, source_id, digest) WHERE delivery_key IS NULL;
CREATE INDEX message_newest ON message (company_id, received_at, id);
CREATE INDEX message_quarantine ON message (company_id, received_at, id) WHERE status = 'quarantined';

-- Bodies lie apart, by month (202611), so that retention drops them in bulk.
CREATE TABLE message_body (
    month      INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    company_id BLOB NOT NULL REFERENCES company (id),
    subject    BLOB NOT NULL,
    bytes      BLOB NOT NULL,
    PRIMARY KEY (month, message_id)
) STRICT;
