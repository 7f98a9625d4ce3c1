-- Texts that other systems answered may name people: they are sealed, and only the class of an error is a column of its own. What
-- was kept in clear is cleared. The words of a statement can be erased, or sealed again under another key; what it says cannot.

ALTER TABLE job DROP COLUMN error;
ALTER TABLE job ADD COLUMN error BLOB;
ALTER TABLE attempt DROP COLUMN request;
ALTER TABLE attempt ADD COLUMN request BLOB;
ALTER TABLE attempt DROP COLUMN response;
ALTER TABLE attempt ADD COLUMN response BLOB;
ALTER TABLE message DROP COLUMN reason;
ALTER TABLE message ADD COLUMN reason BLOB;
-- the newest failure of a destination stood there
UPDATE destination SET health = '{"failures":0,"closed_off":0,"shut_until":null,"probe_until":null,"held_until":null}' WHERE health LIKE '%last_error%';

DROP TRIGGER observation_no_update;
CREATE TRIGGER observation_no_update BEFORE UPDATE OF id, company_id, tracker_id, body, recorded_at ON observation
BEGIN
    SELECT RAISE(ABORT, 'observations are immutable');
END;
