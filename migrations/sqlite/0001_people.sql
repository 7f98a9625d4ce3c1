-- Companies, people, sessions, keys of the vault, settings, audit trail.
-- Everywhere: ids are 16 bytes, times are microseconds since 1970 in UTC, structured values are JSON.

CREATE TABLE company (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE user (
    id         BLOB PRIMARY KEY,
    company_id BLOB NOT NULL REFERENCES company (id),
    login      TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    password   TEXT NOT NULL,
    roles      TEXT NOT NULL,
    enabled    INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX user_company ON user (company_id, login);

-- Sessions and throttle counters are asked for before a company is known.
CREATE TABLE session (
    key        TEXT PRIMARY KEY,
    data       TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_end ON session (expires_at);

CREATE TABLE throttle (
    key         TEXT PRIMARY KEY,
    hits        INTEGER NOT NULL,
    window_ends INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX throttle_end ON throttle (window_ends);

-- A subject's data key, wrapped under the master key. Without it everything sealed under it is noise.
CREATE TABLE vault_key (
    company_id   BLOB NOT NULL REFERENCES company (id),
    subject      BLOB NOT NULL,
    wrapped      BLOB,
    created_at   INTEGER NOT NULL,
    destroyed_at INTEGER,
    PRIMARY KEY (company_id, subject),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    company_id BLOB NOT NULL REFERENCES company (id),
    name       TEXT NOT NULL,
    value      TEXT NOT NULL,
    PRIMARY KEY (company_id, name)
) STRICT, WITHOUT ROWID;

-- Append-only; each line is sealed by a hash over itself and the line before.
CREATE TABLE audit (
    company_id     BLOB NOT NULL REFERENCES company (id),
    seq            INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    actor          TEXT NOT NULL,
    action         TEXT NOT NULL,
    subject        TEXT NOT NULL,
    before_subject BLOB,
    before_bytes   BLOB,
    after_subject  BLOB,
    after_bytes    BLOB,
    why            TEXT,
    previous       TEXT NOT NULL,
    hash           TEXT NOT NULL,
    PRIMARY KEY (company_id, seq)
) STRICT;
CREATE INDEX audit_subject ON audit (company_id, subject, seq);

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
