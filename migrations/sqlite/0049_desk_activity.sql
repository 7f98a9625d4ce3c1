-- What agents do in a ticket is counted; when a ticket was about to be made, and what its context said, is kept. Reports that a desk
-- sends twice are taken once.
ALTER TABLE desk_case ADD COLUMN tried_at INTEGER;
ALTER TABLE desk_case ADD COLUMN context TEXT;
ALTER TABLE desk_case ADD COLUMN looked_at INTEGER;
ALTER TABLE desk_case ADD COLUMN agent_replies INTEGER NOT NULL DEFAULT 0;
ALTER TABLE desk_case ADD COLUMN agent_notes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE desk_case ADD COLUMN agent_at INTEGER;
ALTER TABLE desk_case ADD COLUMN assignee_subject BLOB;
ALTER TABLE desk_case ADD COLUMN assignee_name BLOB;
ALTER TABLE desk_case ADD COLUMN team TEXT;
UPDATE desk_case SET seen = NULL WHERE seen = CASE WHEN ended IS NULL THEN status ELSE ended END;

CREATE TABLE desk_report (
    company_id BLOB NOT NULL REFERENCES company (id),
    desk       TEXT NOT NULL,
    delivery   TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (company_id, desk, delivery)
) STRICT, WITHOUT ROWID;
CREATE INDEX desk_report_at ON desk_report (company_id, desk, at);
