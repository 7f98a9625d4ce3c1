-- Texts that other systems answered may name people: they are sealed, and only the class of an error is a column of its own. What
-- was kept in clear is cleared: the tables are written anew. The words of a statement can be erased, or sealed again under another
-- key; what it says cannot.

ALTER TABLE job ALTER COLUMN error TYPE BYTEA USING NULL;
ALTER TABLE attempt ALTER COLUMN request DROP NOT NULL, ALTER COLUMN response DROP NOT NULL;
ALTER TABLE attempt ALTER COLUMN request TYPE BYTEA USING NULL, ALTER COLUMN response TYPE BYTEA USING NULL;
ALTER TABLE message ALTER COLUMN reason TYPE BYTEA USING NULL;
-- the newest failure of a destination stood there
UPDATE destination SET health = '{"failures":0,"closed_off":0,"shut_until":null,"probe_until":null,"held_until":null}' WHERE health LIKE '%last_error%';

DROP TRIGGER observation_no_update ON observation;
CREATE TRIGGER observation_no_update BEFORE UPDATE OF id, company_id, tracker_id, body, recorded_at ON observation
    FOR EACH ROW EXECUTE FUNCTION refuse('observations are immutable');
