-- Half of what a job's steps cost was in its indexes. What begins with the target is told apart by its first column; ended
-- leases are found among what is leased, which is little; what was done for a target is not asked for by company or kind.

DROP INDEX job_waiting;
DROP INDEX job_at_work;
DROP INDEX job_lease;
DROP INDEX job_done;
CREATE UNIQUE INDEX job_waiting ON job (target, kind, company_id) WHERE status IN ('ready', 'retrying');
CREATE UNIQUE INDEX job_at_work ON job (target, kind, company_id) WHERE status = 'leased';
CREATE INDEX job_done ON job (target, updated_at) WHERE status = 'done';
