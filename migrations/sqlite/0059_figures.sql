-- What each shipment adds to figures, kept with its state.
ALTER TABLE shipment_fold ADD COLUMN contributed TEXT;

-- What has to be added to roll-ups: signed numbers that commit with what changed them, and are added up some seconds later.
CREATE TABLE rollup_delta (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id BLOB NOT NULL,
    unit       BLOB NOT NULL,
    at         INTEGER NOT NULL,
    changes    TEXT NOT NULL
) STRICT;
CREATE INDEX rollup_delta_next ON rollup_delta (company_id, seq);

-- By what rows are narrowed; 0 is everything. The id follows from the content.
CREATE TABLE rollup_dims (
    company_id BLOB NOT NULL REFERENCES company (id),
    id         INTEGER NOT NULL,
    by_carrier INTEGER NOT NULL,
    company    TEXT,
    warehouse  TEXT,
    carrier    TEXT,
    country    TEXT,
    segments   TEXT NOT NULL,
    PRIMARY KEY (company_id, id)
) STRICT, WITHOUT ROWID;

-- Numbers added up. Days are local, an hour of -1 is none, a bin of -2147483648 too. Grains are those of `storage::rollups`.
CREATE TABLE rollup (
    company_id BLOB NOT NULL,
    grain      INTEGER NOT NULL,
    kpi        TEXT NOT NULL,
    version    INTEGER NOT NULL,
    day        TEXT NOT NULL,
    part       TEXT NOT NULL,
    hour       INTEGER NOT NULL,
    bin        INTEGER NOT NULL,
    dims       INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    PRIMARY KEY (company_id, grain, kpi, day, version, part, hour, bin, dims)
) STRICT, WITHOUT ROWID;

-- The same, unit by unit: the rows behind a figure.
CREATE TABLE contribution (
    company_id BLOB NOT NULL,
    kpi        TEXT NOT NULL,
    version    INTEGER NOT NULL,
    day        TEXT NOT NULL,
    unit       BLOB NOT NULL,
    part       TEXT NOT NULL,
    hour       INTEGER NOT NULL,
    bin        INTEGER NOT NULL,
    dims       INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    PRIMARY KEY (company_id, kpi, version, day, unit, part, hour, bin, dims)
) STRICT, WITHOUT ROWID;

-- Days on which roll-ups and the rows behind them did not agree, and were made anew.
CREATE TABLE rollup_difference (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id    BLOB NOT NULL REFERENCES company (id),
    found_at      INTEGER NOT NULL,
    kpi           TEXT NOT NULL,
    version       INTEGER NOT NULL,
    day           TEXT NOT NULL,
    rolled_up     INTEGER NOT NULL,
    contributed   INTEGER NOT NULL
) STRICT;
CREATE INDEX rollup_difference_newest ON rollup_difference (company_id, seq);
