-- What admins published about codes: each version is a whole overlay, and none is ever changed.

CREATE TABLE mapping_version (
    company_id   BLOB NOT NULL REFERENCES company (id),
    version      INTEGER NOT NULL CHECK (version > 0),
    overlay      TEXT NOT NULL,
    why          TEXT NOT NULL,
    actor        TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    PRIMARY KEY (company_id, version)
) STRICT;

CREATE TRIGGER mapping_version_no_update BEFORE UPDATE ON mapping_version
BEGIN
    SELECT RAISE(ABORT, 'published mappings are immutable');
END;
