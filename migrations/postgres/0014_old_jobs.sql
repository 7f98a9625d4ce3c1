-- Finished jobs are dropped oldest first.

CREATE INDEX job_old ON job (updated_at) WHERE status = 'done';

-- A takeover brings rows in the order of the other engine, where a shipment may come before the one that it was merged into.
ALTER TABLE shipment ALTER CONSTRAINT shipment_merged_into_fkey DEFERRABLE INITIALLY IMMEDIATE;
