-- Each line of the audit trail carries a MAC under a key that is not in the database. Lines that are there have none; the
-- server's next start adds a line whose MAC covers them. Reasons may name people: they are sealed from now on, and those that
-- were kept in clear are cleared.

DROP TRIGGER audit_no_update;
DROP TRIGGER audit_no_delete;

ALTER TABLE audit ADD COLUMN why_subject BLOB;
ALTER TABLE audit ADD COLUMN why_bytes BLOB;
ALTER TABLE audit ADD COLUMN mac BLOB;
ALTER TABLE audit DROP COLUMN why;
ALTER TABLE audit DROP COLUMN previous;
ALTER TABLE audit DROP COLUMN hash;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
