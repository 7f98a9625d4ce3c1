-- The gates in front of the destinations. No row is an open gate.

CREATE TABLE destination (
    company_id BLOB NOT NULL REFERENCES company (id),
    name       TEXT NOT NULL,
    paused     TEXT,
    health     TEXT NOT NULL,
    PRIMARY KEY (company_id, name)
) STRICT, WITHOUT ROWID;
