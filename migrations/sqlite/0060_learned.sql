-- What each shipment adds to what is learned, and what was said of it; see `kpi::learned::kept`.
CREATE TABLE learned_shipment (
    company_id  BLOB NOT NULL,
    shipment_id BLOB NOT NULL,
    is_open     INTEGER NOT NULL,
    as_of       INTEGER NOT NULL,
    kept        TEXT NOT NULL,
    PRIMARY KEY (company_id, shipment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX learned_open ON learned_shipment (company_id, shipment_id) WHERE is_open = 1;
CREATE INDEX learned_over ON learned_shipment (company_id, as_of);

-- All of that added up: how many in a bin of a topic of a cell in a week. Names are those of `kpi::learned::count`.
CREATE TABLE learned_count (
    company_id BLOB NOT NULL,
    cell       TEXT NOT NULL,
    what       TEXT NOT NULL,
    period     INTEGER NOT NULL,
    bin        INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    PRIMARY KEY (company_id, cell, what, period, bin)
) STRICT, WITHOUT ROWID;

-- What a model has of a cell; a model is published as a whole.
CREATE TABLE learned_cell (
    company_id BLOB NOT NULL,
    model      INTEGER NOT NULL,
    cell       TEXT NOT NULL,
    what       TEXT NOT NULL,
    ended      INTEGER NOT NULL,
    published  TEXT NOT NULL,
    PRIMARY KEY (company_id, model, cell, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX learned_largest ON learned_cell (company_id, model, what, ended DESC, cell);
