-- A message from which an erasure removed somebody may say something else by now: it is not read again.
ALTER TABLE message ADD COLUMN rewritten INTEGER NOT NULL DEFAULT 0;

-- What an erasure empties. Nearly all jobs have no error and are not in it.
CREATE INDEX job_error ON job (shipment_id) WHERE error IS NOT NULL;
