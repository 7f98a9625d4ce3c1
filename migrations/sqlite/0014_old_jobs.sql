-- Finished jobs are dropped oldest first.

CREATE INDEX job_old ON job (updated_at) WHERE status = 'done';
