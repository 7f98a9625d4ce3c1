-- What people look after: exceptions, and cases at the service desk.

CREATE TABLE exception (
    id                 UUID PRIMARY KEY,
    company_id         UUID NOT NULL,
    shipment_id        UUID NOT NULL REFERENCES shipment (id),
    reason             TEXT NOT NULL,
    category           TEXT NOT NULL,
    piece              TEXT,
    severity           TEXT NOT NULL,
    -- 0 info … 3 critical: sorts
    severity_rank      BIGINT NOT NULL,
    responsible        TEXT NOT NULL,
    opened_at          BIGINT NOT NULL,
    recorded_at        BIGINT NOT NULL,
    closed_at          BIGINT,
    closed_recorded_at BIGINT,
    resolution         TEXT,
    evidence           TEXT NOT NULL,
    owner_id           UUID,
    acknowledged_at    BIGINT,
    snoozed_until      BIGINT,
    due_at             BIGINT NOT NULL
);
CREATE UNIQUE INDEX exception_open_once ON exception (shipment_id, reason, coalesce(piece, '')) WHERE closed_at IS NULL;
CREATE INDEX exception_shipment ON exception (shipment_id, recorded_at);
CREATE INDEX exception_queue ON exception (company_id, severity_rank DESC, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX exception_closed ON exception (company_id, closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX exception_day ON exception (company_id, recorded_at);

CREATE TABLE desk_case (
    id           UUID PRIMARY KEY,
    company_id   UUID NOT NULL,
    exception_id UUID NOT NULL UNIQUE REFERENCES exception (id),
    shipment_id  UUID NOT NULL REFERENCES shipment (id),
    desk         TEXT NOT NULL,
    external_key TEXT NOT NULL,
    number       TEXT,
    url          TEXT,
    status       TEXT NOT NULL CHECK (status IN ('pending', 'open', 'resolved')),
    opened_at    BIGINT NOT NULL,
    resolved_at  BIGINT,
    notes        TEXT NOT NULL
);
CREATE INDEX desk_case_shipment ON desk_case (shipment_id, opened_at);
CREATE INDEX desk_case_day ON desk_case (company_id, opened_at);
