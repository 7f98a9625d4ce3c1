-- What people look after: exceptions, and cases at the service desk.

CREATE TABLE exception (
    id                 BLOB PRIMARY KEY,
    company_id         BLOB NOT NULL REFERENCES company (id),
    shipment_id        BLOB NOT NULL REFERENCES shipment (id),
    reason             TEXT NOT NULL,
    category           TEXT NOT NULL,
    piece              TEXT,
    severity           TEXT NOT NULL,
    -- 0 info … 3 critical: sorts
    severity_rank      INTEGER NOT NULL,
    responsible        TEXT NOT NULL,
    opened_at          INTEGER NOT NULL,
    recorded_at        INTEGER NOT NULL,
    closed_at          INTEGER,
    closed_recorded_at INTEGER,
    resolution         TEXT,
    evidence           TEXT NOT NULL,
    owner_id           BLOB,
    acknowledged_at    INTEGER,
    snoozed_until      INTEGER,
    due_at             INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX exception_open_once ON exception (shipment_id, reason, ifnull(piece, '')) WHERE closed_at IS NULL;
CREATE INDEX exception_shipment ON exception (shipment_id, recorded_at);
CREATE INDEX exception_queue ON exception (company_id, severity_rank DESC, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX exception_closed ON exception (company_id, closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX exception_day ON exception (company_id, recorded_at);

CREATE TABLE desk_case (
    id           BLOB PRIMARY KEY,
    company_id   BLOB NOT NULL REFERENCES company (id),
    exception_id BLOB NOT NULL UNIQUE REFERENCES exception (id),
    shipment_id  BLOB NOT NULL REFERENCES shipment (id),
    desk         TEXT NOT NULL,
    external_key TEXT NOT NULL,
    number       TEXT,
    url          TEXT,
    status       TEXT NOT NULL CHECK (status IN ('pending', 'open', 'resolved')),
    opened_at    INTEGER NOT NULL,
    resolved_at  INTEGER,
    notes        TEXT NOT NULL
) STRICT;
CREATE INDEX desk_case_shipment ON desk_case (shipment_id, opened_at);
CREATE INDEX desk_case_day ON desk_case (company_id, opened_at);
