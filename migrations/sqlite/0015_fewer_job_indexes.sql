-- Every step of a job writes all of its indexes. Of the two that are gone, the next job due is found kind by kind along
-- job_due, and what is not over is counted along the indexes of what is not over.

DROP INDEX job_next;
DROP INDEX job_summary;
CREATE INDEX job_done_newest ON job (company_id, coalesce(destination, 'inside'), updated_at) WHERE status = 'done';
