-- Every step of a job writes all of its indexes. Of those that are gone, the next job due is found kind by kind along
-- job_due, what is not over is counted along the indexes of what is not over, and what is old is found among what is done.

DROP INDEX job_next;
DROP INDEX job_summary;
DROP INDEX job_old;
CREATE INDEX job_done_newest ON job (company_id, coalesce(destination, 'inside'), updated_at) WHERE status = 'done';
