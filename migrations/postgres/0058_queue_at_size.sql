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
INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
SELECT company_id, 'queue_team', team, 0, pg_backend_pid(), count(*) FROM exception WHERE closed_at IS NULL AND team IS NOT NULL GROUP BY company_id, team
ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
CREATE FUNCTION exception_team_counted_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, 'queue_team', r.team, 0, pg_backend_pid(), sum(r.sign)::bigint
    FROM (SELECT 1 AS sign, company_id, team, closed_at FROM new_rows) r
    WHERE r.closed_at IS NULL AND r.team IS NOT NULL
    GROUP BY r.company_id, r.team HAVING sum(r.sign) <> 0
    ORDER BY r.company_id, r.team
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER exception_team_counted_insert AFTER INSERT ON exception REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION exception_team_counted_insert();
CREATE FUNCTION exception_team_counted_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, 'queue_team', r.team, 0, pg_backend_pid(), sum(r.sign)::bigint
    FROM (SELECT 1 AS sign, company_id, team, closed_at FROM new_rows UNION ALL SELECT -1, company_id, team, closed_at FROM old_rows) r
    WHERE r.closed_at IS NULL AND r.team IS NOT NULL
    GROUP BY r.company_id, r.team HAVING sum(r.sign) <> 0
    ORDER BY r.company_id, r.team
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER exception_team_counted_update AFTER UPDATE ON exception REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION exception_team_counted_update();
CREATE FUNCTION exception_team_counted_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, 'queue_team', r.team, 0, pg_backend_pid(), sum(r.sign)::bigint
    FROM (SELECT -1 AS sign, company_id, team, closed_at FROM old_rows) r
    WHERE r.closed_at IS NULL AND r.team IS NOT NULL
    GROUP BY r.company_id, r.team HAVING sum(r.sign) <> 0
    ORDER BY r.company_id, r.team
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER exception_team_counted_delete AFTER DELETE ON exception REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION exception_team_counted_delete();
