-- What each shipment adds to what is learned, and what was said of it; see `kpi::learned::kept`.
CREATE TABLE learned_shipment (
    company_id  UUID NOT NULL,
    shipment_id UUID NOT NULL,
    is_open     BIGINT NOT NULL,
    as_of       BIGINT NOT NULL,
    kept        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (company_id, shipment_id)
);
CREATE INDEX learned_open ON learned_shipment (company_id, shipment_id) WHERE is_open = 1;
CREATE INDEX learned_over ON learned_shipment (company_id, as_of);

-- All of that added up: how many in a bin of a topic of a cell in a week. Names are those of `kpi::learned::count`.
CREATE TABLE learned_count (
    company_id UUID NOT NULL,
    cell       TEXT COLLATE "C" NOT NULL,
    what       TEXT COLLATE "C" NOT NULL,
    period     BIGINT NOT NULL,
    bin        BIGINT NOT NULL,
    n          BIGINT NOT NULL,
    PRIMARY KEY (company_id, cell, what, period, bin)
);

-- What a model has of a cell; a model is published as a whole.
CREATE TABLE learned_cell (
    company_id UUID NOT NULL,
    model      BIGINT NOT NULL,
    cell       TEXT COLLATE "C" NOT NULL,
    what       TEXT COLLATE "C" NOT NULL,
    ended      BIGINT NOT NULL,
    published  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (company_id, model, cell, what)
);
CREATE INDEX learned_largest ON learned_cell (company_id, model, what, ended DESC, cell);
