-- The gates in front of the destinations. No row is an open gate.

CREATE TABLE destination (
    company_id UUID NOT NULL,
    name       TEXT NOT NULL,
    paused     TEXT,
    health     TEXT NOT NULL,
    PRIMARY KEY (company_id, name)
);
