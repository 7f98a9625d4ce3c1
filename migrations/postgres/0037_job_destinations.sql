-- A job's destination is the connection that it calls, and it is claimed by it: a destination that is slow, suspended or paused
-- leaves the others of its kind alone. The first order system is called odoo, the first service desk desk, as their jobs were so far;
-- published keys are fetched for the source that they belong to.

UPDATE job SET destination = target WHERE kind = 'fetch_keys';
-- One poll in flight for the desk, whichever connectors were set up one after the other; the next one is made by the schedule.
DELETE FROM job WHERE kind = 'poll_desk' AND status IN ('ready', 'retrying', 'leased') AND EXISTS (
    SELECT 1 FROM job o WHERE o.company_id = job.company_id AND o.kind = 'poll_desk' AND o.status IN ('ready', 'retrying', 'leased') AND o.seq > job.seq);
UPDATE job SET target = 'desk' WHERE kind = 'poll_desk';
-- Who paused the fetching of keys paused it for every source.
INSERT INTO destination (company_id, name, paused, health)
SELECT d.company_id, s.name, d.paused, d.health FROM destination d JOIN source s ON s.company_id = d.company_id
WHERE d.name = 'keys' AND s.settings::json ->> 'keys_url' IS NOT NULL
ON CONFLICT (company_id, name) DO NOTHING;
DELETE FROM destination WHERE name = 'keys' AND NOT EXISTS (SELECT 1 FROM source s WHERE s.company_id = destination.company_id AND s.name = 'keys');
DROP INDEX job_due;
CREATE INDEX job_due ON job (lane, kind, coalesce(destination, 'inside'), run_at, id) WHERE status IN ('ready', 'retrying');

-- When the clock starts which work. An expression is "every N s" or a cron expression of five or six fields in the zone.
CREATE TABLE schedule (
    company_id  UUID NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    target      TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C",
    expression  TEXT COLLATE "C" NOT NULL,
    zone        TEXT COLLATE "C" NOT NULL DEFAULT 'UTC',
    next_at     BIGINT NOT NULL,
    last_at     BIGINT,
    PRIMARY KEY (company_id, name)
);
