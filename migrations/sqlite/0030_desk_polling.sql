-- What agents do at the desk is polled. A ticket that was rejected, was deleted or cannot be read any more is closed: `ended` says how.

ALTER TABLE desk_case ADD COLUMN ended TEXT CHECK (ended IN ('rejected', 'deleted', 'hidden'));
ALTER TABLE desk_case ADD COLUMN closed_by TEXT;
ALTER TABLE desk_case ADD COLUMN follows TEXT;
ALTER TABLE desk_case ADD COLUMN seen TEXT;
ALTER TABLE desk_case ADD COLUMN polled_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE desk_case ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
CREATE INDEX desk_case_number ON desk_case (company_id, number) WHERE number IS NOT NULL;
CREATE INDEX desk_case_to_poll ON desk_case (company_id, polled_at, id) WHERE number IS NOT NULL AND (status = 'open' OR ended = 'hidden');
