-- Deliveries of the order system that could not be taken in, or only in part: tried again.
CREATE TABLE order_problem (
    company_id UUID NOT NULL,
    -- its id in the order system, and its name where that could be read
    record     BIGINT NOT NULL,
    name       TEXT,
    problem    TEXT NOT NULL,
    -- whether there is a shipment without what could not be read
    imported   BOOLEAN NOT NULL,
    attempts   BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    tried_at   BIGINT NOT NULL,
    next_try   BIGINT NOT NULL,
    PRIMARY KEY (company_id, record)
);
CREATE INDEX order_problem_due ON order_problem (company_id, next_try, record);

-- Deliveries that are not over, by record: whether they are still there.
CREATE INDEX shipment_not_over ON shipment (company_id, origin_record)
    WHERE origin IS NOT NULL AND merged_into IS NULL AND (NOT terminal OR open_exceptions > 0);

-- The next import reads every delivery once more and keeps its place elsewhere.
DELETE FROM setting WHERE name IN ('odoo.watermark', 'odoo.import_place');
