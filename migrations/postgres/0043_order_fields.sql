-- What was last written to the fields of an order: it shows what all of its shipments come to.
CREATE TABLE order_fields (
    company_id UUID NOT NULL REFERENCES company (id),
    system     TEXT COLLATE "C" NOT NULL,
    record     BIGINT NOT NULL,
    written    TEXT COLLATE "C",
    written_at BIGINT NOT NULL,
    PRIMARY KEY (company_id, system, record)
);
