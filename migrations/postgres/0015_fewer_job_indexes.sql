-- Every step of a job writes all of its indexes. Of those that are gone, the next job due is found kind by kind along
-- job_due, what is not over is counted along the indexes of what is not over, what is old is found among what is done, and
-- a job by its id.

DROP INDEX job_next;
DROP INDEX job_summary;
DROP INDEX job_old;
ALTER TABLE job DROP CONSTRAINT job_pkey, DROP CONSTRAINT job_id_key, ADD PRIMARY KEY (id);
CREATE INDEX job_done_newest ON job (company_id, coalesce(destination, 'inside'), updated_at) WHERE status = 'done';

-- Jobs go through the beginning of the index of what is due; what they leave dead there is passed over by every claim, so
-- it is taken away long before a fifth of the table is dead, which is the default.
ALTER TABLE job SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
