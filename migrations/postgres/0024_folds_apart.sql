-- A fold is several times as wide as what lists read of a shipment, and nobody reads it but the next fold: it lies apart.

CREATE TABLE shipment_fold (
    shipment_id UUID PRIMARY KEY REFERENCES shipment (id),
    company_id  UUID NOT NULL,
    folded      TEXT COLLATE "C" NOT NULL
);
INSERT INTO shipment_fold (shipment_id, company_id, folded) SELECT id, company_id, folded FROM shipment WHERE revision > 0;
ALTER TABLE shipment DROP COLUMN folded;
