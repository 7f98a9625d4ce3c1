-- That a failed job's target was served later is noted once, when that happens, and not looked for among all that is done:
-- each job that ended well had a place in an index for that, and when it was swept away nobody knew any more.

ALTER TABLE job ADD COLUMN succeeded_later BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE job AS d SET succeeded_later = TRUE
WHERE d.status = 'dead' AND EXISTS (
    SELECT 1 FROM job l WHERE l.target = d.target AND l.kind = d.kind AND l.company_id = d.company_id
        AND l.status = 'done' AND (l.updated_at, l.seq) > (d.updated_at, d.seq));
DROP INDEX job_done;
CREATE INDEX job_dead_target ON job (target) WHERE status = 'dead';
