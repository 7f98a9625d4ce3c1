-- Sources and destinations are one kind of record: connections. What was a source keeps its id, its name and its secrets; the first
-- order system and the first desk are put in at the next start, from the settings that they had so far.

ALTER TABLE source RENAME TO connection;
DROP INDEX source_company;
CREATE INDEX connection_company ON connection (company_id, name);
ALTER TABLE connection ADD COLUMN label TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN owner TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN purpose TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN runbook TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN data_classes TEXT COLLATE "C" NOT NULL DEFAULT '[]';
-- which exceptions a desk takes; empty: every one
ALTER TABLE connection ADD COLUMN takes TEXT COLLATE "C" NOT NULL DEFAULT '{}';
-- what its own check last said
ALTER TABLE connection ADD COLUMN tested TEXT COLLATE "C";
-- the digest of the settings of the command line that it was last put in from
ALTER TABLE connection ADD COLUMN seeded TEXT COLLATE "C";
-- when it was switched off, and why
ALTER TABLE connection ADD COLUMN disabled_at BIGINT;
ALTER TABLE connection ADD COLUMN last_ok_at BIGINT;
ALTER TABLE connection ADD COLUMN last_failed_at BIGINT;
ALTER TABLE connection ADD COLUMN last_failure TEXT COLLATE "C";
-- counts the changes of its settings: the sum over a company says whether anything changed
ALTER TABLE connection ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
UPDATE connection SET label = name;

-- Messages and calls of each connection by hour (hours since 1970).
CREATE TABLE connection_hour (
    company_id UUID NOT NULL,
    connection TEXT COLLATE "C" NOT NULL,
    hour       BIGINT NOT NULL,
    ok         BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    PRIMARY KEY (company_id, connection, hour)
);

-- A case says at which desk it is.
UPDATE desk_case SET desk = 'desk';
UPDATE setting SET name = 'desk.poll.desk' WHERE name LIKE 'desk.poll.%';

-- A record's number means something in its own order system only.
CREATE TABLE order_problem_of (
    company_id UUID NOT NULL,
    system     TEXT COLLATE "C" NOT NULL,
    record     BIGINT NOT NULL,
    name       TEXT COLLATE "C",
    problem    TEXT COLLATE "C" NOT NULL,
    imported   BOOLEAN NOT NULL,
    attempts   BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    tried_at   BIGINT NOT NULL,
    next_try   BIGINT NOT NULL,
    PRIMARY KEY (company_id, system, record)
);
INSERT INTO order_problem_of SELECT company_id, 'odoo', record, name, problem, imported, attempts, first_seen, tried_at, next_try FROM order_problem;
DROP TABLE order_problem;
ALTER TABLE order_problem_of RENAME TO order_problem;
CREATE INDEX order_problem_due ON order_problem (company_id, system, next_try, record);
DROP INDEX shipment_not_over;
CREATE INDEX shipment_not_over ON shipment (company_id, origin_system, origin_record)
    WHERE origin IS NOT NULL AND merged_into IS NULL AND (NOT terminal OR open_exceptions > 0);
