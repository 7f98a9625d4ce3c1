-- Companies, people, sessions, keys of the vault, settings, audit trail.
-- Everywhere: times are microseconds since 1970 in UTC, structured values are JSON as text (equal text is equal content).
-- company_id has no foreign key: each insert would lock the one company's row, and so wait for the others.

-- What must never change says so itself.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END
$$;

CREATE TABLE company (
    id         UUID PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE "user" (
    id         UUID PRIMARY KEY,
    company_id UUID NOT NULL,
    login      TEXT COLLATE "C" NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    password   TEXT NOT NULL,
    roles      TEXT NOT NULL,
    enabled    BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX user_company ON "user" (company_id, login);

-- Sessions and throttle counters are asked for before a company is known.
CREATE TABLE session (
    key        TEXT PRIMARY KEY,
    data       TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_end ON session (expires_at);

CREATE TABLE throttle (
    key         TEXT PRIMARY KEY,
    hits        BIGINT NOT NULL,
    window_ends BIGINT NOT NULL
);
CREATE INDEX throttle_end ON throttle (window_ends);

-- A subject's data key, wrapped under the master key. Without it everything sealed under it is noise.
CREATE TABLE vault_key (
    company_id   UUID NOT NULL,
    subject      UUID NOT NULL,
    wrapped      BYTEA,
    created_at   BIGINT NOT NULL,
    destroyed_at BIGINT,
    PRIMARY KEY (company_id, subject),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);

CREATE TABLE setting (
    company_id UUID NOT NULL,
    name       TEXT NOT NULL,
    value      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (company_id, name)
);

-- Append-only; each line is sealed by a hash over itself and the line before.
CREATE TABLE audit (
    company_id     UUID NOT NULL,
    seq            BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    actor          TEXT NOT NULL,
    action         TEXT NOT NULL,
    subject        TEXT NOT NULL,
    before_subject UUID,
    before_bytes   BYTEA,
    after_subject  UUID,
    after_bytes    BYTEA,
    why            TEXT,
    previous       TEXT NOT NULL,
    hash           TEXT NOT NULL,
    PRIMARY KEY (company_id, seq)
);
CREATE INDEX audit_subject ON audit (company_id, subject, seq);

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION refuse('the audit trail is append-only');
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse('the audit trail is append-only');
