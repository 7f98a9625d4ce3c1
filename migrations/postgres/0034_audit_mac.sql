-- Each line of the audit trail carries a MAC under a key that is not in the database. Lines that are there have none; the
-- server's next start adds a line whose MAC covers them. Reasons may name people: they are sealed from now on, and those that
-- were kept in clear are cleared.

ALTER TABLE audit DISABLE TRIGGER audit_no_update;
UPDATE audit SET why = NULL WHERE why IS NOT NULL;
ALTER TABLE audit ENABLE TRIGGER audit_no_update;

ALTER TABLE audit ADD COLUMN why_subject UUID;
ALTER TABLE audit ADD COLUMN why_bytes BYTEA;
ALTER TABLE audit ADD COLUMN mac BYTEA;
ALTER TABLE audit DROP COLUMN why;
ALTER TABLE audit DROP COLUMN previous;
ALTER TABLE audit DROP COLUMN hash;
