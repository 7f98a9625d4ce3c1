-- Shipments, their committed state, and what follows from it.

CREATE TABLE shipment (
    id                BLOB PRIMARY KEY,
    company_id        BLOB NOT NULL REFERENCES company (id),
    revision          INTEGER NOT NULL DEFAULT 0,
    -- the record it stands for; none while nobody claims it
    origin            TEXT,
    origin_system     TEXT,
    origin_model      TEXT,
    origin_record     INTEGER,
    origin_digest     TEXT,
    standing          TEXT NOT NULL DEFAULT 'open' CHECK (standing IN ('open', 'done', 'cancelled')),
    destination       TEXT,
    plan              TEXT NOT NULL,
    customer_subject  BLOB,
    customer          BLOB,
    -- what the order system was last told
    written           TEXT,
    written_at        INTEGER,
    sandbox           INTEGER NOT NULL DEFAULT 0,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    merged_into       BLOB REFERENCES shipment (id),
    -- the latest fold, and what lists read of it
    folded            TEXT NOT NULL,
    state             TEXT NOT NULL,
    terminal          INTEGER NOT NULL DEFAULT 0,
    visibility        TEXT NOT NULL,
    heard_at          INTEGER,
    eta               INTEGER,
    promised_by       INTEGER,
    delivered_at      INTEGER,
    last_event        TEXT,
    last_event_at     INTEGER,
    review_at         INTEGER,
    worst_reason      TEXT,
    worst_severity    TEXT,
    open_exceptions   INTEGER NOT NULL DEFAULT 0,
    late              INTEGER NOT NULL DEFAULT 0,
    silent            INTEGER NOT NULL DEFAULT 0,
    -- need for action: severity first, then lateness; ties go to the newest event
    need              INTEGER NOT NULL DEFAULT 0,
    moved_at          INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX shipment_origin ON shipment (company_id, origin_system, origin_model, origin_record) WHERE origin IS NOT NULL;
CREATE INDEX shipment_need ON shipment (company_id, need, moved_at, id) WHERE merged_into IS NULL;
CREATE INDEX shipment_open ON shipment (company_id, need, moved_at, id)
    WHERE merged_into IS NULL AND origin IS NOT NULL AND terminal = 0 AND standing <> 'cancelled';
CREATE INDEX shipment_delivered ON shipment (company_id, need, moved_at, id) WHERE merged_into IS NULL AND state = 'DELIVERED';
CREATE INDEX shipment_unclaimed ON shipment (company_id, need, moved_at, id) WHERE merged_into IS NULL AND origin IS NULL;
CREATE INDEX shipment_exceptions ON shipment (company_id, need, moved_at, id) WHERE merged_into IS NULL AND open_exceptions > 0;
CREATE INDEX shipment_late ON shipment (company_id, need, moved_at, id) WHERE merged_into IS NULL AND late = 1;
CREATE INDEX shipment_silent ON shipment (company_id, need, moved_at, id) WHERE merged_into IS NULL AND silent = 1;
CREATE INDEX shipment_review ON shipment (company_id, review_at) WHERE merged_into IS NULL AND review_at IS NOT NULL;

-- What was meant to happen, as known at each time.
CREATE TABLE plan_version (
    company_id  BLOB NOT NULL REFERENCES company (id),
    shipment_id BLOB NOT NULL REFERENCES shipment (id),
    recorded_at INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    plan        TEXT NOT NULL,
    PRIMARY KEY (shipment_id, seq)
) STRICT;

-- Words under which a shipment is found: numbers, orders and records in letters and digits; customers by token.
CREATE TABLE shipment_term (
    company_id  BLOB NOT NULL REFERENCES company (id),
    term        TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('number', 'order', 'record', 'customer')),
    shipment_id BLOB NOT NULL REFERENCES shipment (id),
    PRIMARY KEY (company_id, term, kind, shipment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX shipment_term_of ON shipment_term (shipment_id, kind);

CREATE TABLE decision (
    seq         INTEGER PRIMARY KEY,
    company_id  BLOB NOT NULL REFERENCES company (id),
    shipment_id BLOB NOT NULL REFERENCES shipment (id),
    at          INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX decision_shipment ON decision (shipment_id, seq);

CREATE TABLE effect (
    seq         INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE,
    company_id  BLOB NOT NULL REFERENCES company (id),
    shipment_id BLOB NOT NULL REFERENCES shipment (id),
    kind        TEXT NOT NULL,
    key         TEXT NOT NULL,
    body        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    done_at     INTEGER,
    external    TEXT,
    UNIQUE (shipment_id, kind, key)
) STRICT;

CREATE TABLE state_change (
    shipment_id BLOB NOT NULL REFERENCES shipment (id),
    revision    INTEGER NOT NULL,
    company_id  BLOB NOT NULL REFERENCES company (id),
    at          INTEGER NOT NULL,
    cause       TEXT NOT NULL,
    correlation BLOB NOT NULL,
    from_state  TEXT NOT NULL,
    to_state    TEXT NOT NULL,
    PRIMARY KEY (shipment_id, revision)
) STRICT;
CREATE INDEX state_change_day ON state_change (company_id, to_state, at);

-- What live streams resume from; numbers are never given twice.
CREATE TABLE change (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id  BLOB NOT NULL REFERENCES company (id),
    shipment_id BLOB NOT NULL,
    revision    INTEGER NOT NULL,
    at          INTEGER NOT NULL
) STRICT;
CREATE INDEX change_company ON change (company_id, seq);
