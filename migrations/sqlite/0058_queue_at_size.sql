-- Each view and filter of the queue walks an index of its own, by urgency as the whole queue.
CREATE INDEX exception_of_owner ON exception (company_id, owner_id, severity_rank DESC, due_at, id)
    WHERE closed_at IS NULL AND owner_id IS NOT NULL;
CREATE INDEX exception_unassigned ON exception (company_id, severity_rank DESC, due_at, id)
    WHERE closed_at IS NULL AND owner_id IS NULL;
CREATE INDEX exception_in_category ON exception (company_id, category, severity_rank DESC, due_at, id)
    WHERE closed_at IS NULL;
-- What ended, by when.
CREATE INDEX exception_closed_in_category ON exception (company_id, category, closed_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX exception_closed_of_team ON exception (company_id, team, closed_at, id)
    WHERE closed_at IS NOT NULL AND team IS NOT NULL;
-- What people put off is counted along the index alone.
DROP INDEX exception_snoozed;
CREATE INDEX exception_snoozed ON exception (company_id, snoozed_until, category, severity, team)
    WHERE closed_at IS NULL AND snoozed_until IS NOT NULL;

-- How many open exceptions a team has.
INSERT INTO counter (company_id, measure, key, bucket, number)
SELECT company_id, 'queue_team', team, 0, count(*) FROM exception WHERE closed_at IS NULL AND team IS NOT NULL GROUP BY company_id, team
ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
CREATE TRIGGER exception_team_counted_insert AFTER INSERT ON exception WHEN new.closed_at IS NULL AND new.team IS NOT NULL
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number) VALUES (new.company_id, 'queue_team', new.team, 0, 1)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER exception_team_counted_update AFTER UPDATE OF team, closed_at ON exception
WHEN (old.closed_at IS NULL) IS NOT (new.closed_at IS NULL) OR old.team IS NOT new.team
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'queue_team', old.team, 0, -1 WHERE old.closed_at IS NULL AND old.team IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'queue_team', new.team, 0, 1 WHERE new.closed_at IS NULL AND new.team IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER exception_team_counted_delete AFTER DELETE ON exception WHEN old.closed_at IS NULL AND old.team IS NOT NULL
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number) VALUES (old.company_id, 'queue_team', old.team, 0, -1)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
