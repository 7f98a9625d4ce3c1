-- A fold is several times as wide as what lists read of a shipment, and nobody reads it but the next fold: it lies apart.

CREATE TABLE shipment_fold (
    shipment_id BLOB PRIMARY KEY REFERENCES shipment (id),
    company_id  BLOB NOT NULL REFERENCES company (id),
    folded      TEXT NOT NULL
) STRICT;
INSERT INTO shipment_fold (shipment_id, company_id, folded) SELECT id, company_id, folded FROM shipment WHERE revision > 0 ORDER BY id;
ALTER TABLE shipment DROP COLUMN folded;
