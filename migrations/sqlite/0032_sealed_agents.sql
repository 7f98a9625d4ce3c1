-- Who closed a ticket at the desk is personal data: the name is sealed under a key of the agent, and that a person did it is a column
-- of its own. Names that were kept in clear are cleared.

ALTER TABLE desk_case ADD COLUMN by_agent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE desk_case ADD COLUMN agent_subject BLOB;
ALTER TABLE desk_case ADD COLUMN agent_name BLOB;
UPDATE desk_case SET by_agent = 1, closed_by = NULL WHERE closed_by IS NOT NULL;
ALTER TABLE desk_case DROP COLUMN closed_by;
