-- What admins published about codes: each version is a whole overlay, and none is ever changed.

CREATE TABLE mapping_version (
    company_id   UUID NOT NULL,
    version      BIGINT NOT NULL CHECK (version > 0),
    overlay      TEXT NOT NULL,
    why          TEXT NOT NULL,
    actor        TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    PRIMARY KEY (company_id, version)
);

CREATE TRIGGER mapping_version_no_update BEFORE UPDATE ON mapping_version FOR EACH ROW EXECUTE FUNCTION refuse('published mappings are immutable');
