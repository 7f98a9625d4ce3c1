-- Sources and destinations are one kind of record: connections. What was a source keeps its id, its name and its secrets; the first
-- order system and the first desk are put in at the next start, from the settings that they had so far.

ALTER TABLE source RENAME TO connection;
DROP INDEX source_company;
CREATE INDEX connection_company ON connection (company_id, name);
ALTER TABLE connection ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN runbook TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN data_classes TEXT NOT NULL DEFAULT '[]';
-- which exceptions a desk takes; empty: every one
ALTER TABLE connection ADD COLUMN takes TEXT NOT NULL DEFAULT '{}';
-- what its own check last said
ALTER TABLE connection ADD COLUMN tested TEXT;
-- the digest of the settings of the command line that it was last put in from
ALTER TABLE connection ADD COLUMN seeded TEXT;
-- when it was switched off, and why
ALTER TABLE connection ADD COLUMN disabled_at INTEGER;
ALTER TABLE connection ADD COLUMN last_ok_at INTEGER;
ALTER TABLE connection ADD COLUMN last_failed_at INTEGER;
ALTER TABLE connection ADD COLUMN last_failure TEXT;
-- counts the changes of its settings: the sum over a company says whether anything changed
ALTER TABLE connection ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
UPDATE connection SET label = name;

-- Messages and calls of each connection by hour (hours since 1970).
CREATE TABLE connection_hour (
    company_id BLOB NOT NULL REFERENCES company (id),
    connection TEXT NOT NULL,
    hour       INTEGER NOT NULL,
    ok         INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    PRIMARY KEY (company_id, connection, hour)
) STRICT, WITHOUT ROWID;

-- A case says at which desk it is.
UPDATE desk_case SET desk = 'desk';
UPDATE setting SET name = 'desk.poll.desk' WHERE name LIKE 'desk.poll.%';

-- A record's number means something in its own order system only.
CREATE TABLE order_problem_of (
    company_id BLOB NOT NULL REFERENCES company (id),
    system     TEXT NOT NULL,
    record     INTEGER NOT NULL,
    name       TEXT,
    problem    TEXT NOT NULL,
    imported   INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    tried_at   INTEGER NOT NULL,
    next_try   INTEGER NOT NULL,
    PRIMARY KEY (company_id, system, record)
) STRICT, WITHOUT ROWID;
INSERT INTO order_problem_of SELECT company_id, 'odoo', record, name, problem, imported, attempts, first_seen, tried_at, next_try FROM order_problem;
DROP TABLE order_problem;
ALTER TABLE order_problem_of RENAME TO order_problem;
CREATE INDEX order_problem_due ON order_problem (company_id, system, next_try, record);
DROP INDEX shipment_not_over;
CREATE INDEX shipment_not_over ON shipment (company_id, origin_system, origin_record)
    WHERE origin IS NOT NULL AND merged_into IS NULL AND (terminal = 0 OR open_exceptions > 0);
