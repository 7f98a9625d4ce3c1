-- Units of work, and the calls to other systems that they made.

CREATE TABLE job (
    seq         INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE,
    company_id  BLOB NOT NULL REFERENCES company (id),
    kind        TEXT NOT NULL,
    target      TEXT NOT NULL,
    destination TEXT,
    lane        TEXT NOT NULL CHECK (lane IN ('real_time', 'batch')),
    cause       TEXT NOT NULL,
    run_at      INTEGER NOT NULL,
    correlation BLOB NOT NULL,
    shipment_id BLOB,
    status      TEXT NOT NULL DEFAULT 'ready'
                CHECK (status IN ('ready', 'retrying', 'leased', 'done', 'dead')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    owner       TEXT,
    lease_until INTEGER,
    error       TEXT,
    class       TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    CHECK ((status = 'leased') = (owner IS NOT NULL AND lease_until IS NOT NULL))
) STRICT;
-- What waits for one target is one job; of one target only one is at work.
CREATE UNIQUE INDEX job_waiting ON job (company_id, kind, target) WHERE status IN ('ready', 'retrying');
CREATE UNIQUE INDEX job_at_work ON job (company_id, kind, target) WHERE status = 'leased';
CREATE INDEX job_due ON job (lane, kind, run_at, id) WHERE status IN ('ready', 'retrying');
CREATE INDEX job_next ON job (lane, run_at) WHERE status IN ('ready', 'retrying');
CREATE INDEX job_lease ON job (lane, kind, lease_until) WHERE status = 'leased';
CREATE INDEX job_done ON job (company_id, kind, target, updated_at) WHERE status = 'done';
CREATE INDEX job_dead ON job (company_id, updated_at, seq) WHERE status = 'dead';
CREATE INDEX job_newest ON job (company_id, status, updated_at, seq) WHERE destination IS NOT NULL;
CREATE INDEX job_summary ON job (company_id, destination, status, updated_at);

CREATE TABLE attempt (
    month       INTEGER NOT NULL,
    id          BLOB NOT NULL,
    company_id  BLOB NOT NULL REFERENCES company (id),
    job_id      BLOB NOT NULL,
    correlation BLOB NOT NULL,
    shipment_id BLOB,
    destination TEXT NOT NULL,
    operation   TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status      INTEGER,
    outcome     TEXT NOT NULL,
    request     TEXT NOT NULL,
    response    TEXT NOT NULL,
    PRIMARY KEY (month, id)
) STRICT;
CREATE INDEX attempt_job ON attempt (company_id, job_id, started_at);
CREATE INDEX attempt_shipment ON attempt (company_id, shipment_id, started_at) WHERE shipment_id IS NOT NULL;
