-- The queue of a team: by urgency, as the whole queue.
CREATE INDEX exception_of_team ON exception (company_id, team, severity_rank DESC, due_at, id)
    WHERE closed_at IS NULL AND team IS NOT NULL;
