-- What was last written to the fields of an order: it shows what all of its shipments come to.
CREATE TABLE order_fields (
    company_id BLOB NOT NULL REFERENCES company (id),
    system     TEXT NOT NULL,
    record     INTEGER NOT NULL,
    written    TEXT,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (company_id, system, record)
) STRICT, WITHOUT ROWID;
