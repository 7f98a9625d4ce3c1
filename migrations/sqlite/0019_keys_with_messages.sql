-- A message's key lies in its row, so that one that comes in is three rows and not four; and its row lies in the order of
-- the ids, without a second tree that only leads to it. Its digest is of all by which a repetition is known (source, delivery
-- key, body), so that it is looked for in one small tree. What came before has its id for a digest: repeated, it is kept once
-- more, and its statements are known all the same.

CREATE TABLE message_with_key (
    id           BLOB NOT NULL PRIMARY KEY,
    company_id   BLOB NOT NULL REFERENCES company (id),
    source_id    BLOB NOT NULL REFERENCES source (id),
    correlation  BLOB NOT NULL,
    received_at  INTEGER NOT NULL,
    digest       BLOB NOT NULL,
    headers      TEXT NOT NULL,
    content_type TEXT,
    verified_by  TEXT NOT NULL,
    size         INTEGER NOT NULL,
    -- under which its body and its statements' words are sealed; none once destroyed
    wrapped      BLOB,
    repeats      INTEGER NOT NULL DEFAULT 0,
    status       TEXT NOT NULL DEFAULT 'received'
                 CHECK (status IN ('received', 'normalised', 'ignored', 'quarantined')),
    observations INTEGER NOT NULL DEFAULT 0,
    problems     INTEGER NOT NULL DEFAULT 0,
    reason       TEXT,
    cursor       INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO message_with_key (id, company_id, source_id, correlation, received_at, digest, headers, content_type,
                              verified_by, size, wrapped, repeats, status, observations, problems, reason, cursor)
SELECT m.id, m.company_id, m.source_id, m.correlation, m.received_at, m.id, m.headers, m.content_type,
       m.verified_by, m.size, k.wrapped, m.repeats, m.status, m.observations, m.problems, m.reason, m.cursor
FROM message m LEFT JOIN vault_key k ON k.company_id = m.company_id AND k.subject = m.id ORDER BY m.id;
DELETE FROM vault_key WHERE EXISTS (SELECT 1 FROM message m WHERE m.company_id = vault_key.company_id AND m.id = vault_key.subject);
DROP TABLE message;
ALTER TABLE message_with_key RENAME TO message;
CREATE UNIQUE INDEX message_digest ON message (digest);
CREATE INDEX message_newest ON message (company_id, received_at, id);
CREATE INDEX message_quarantine ON message (company_id, received_at, id) WHERE status = 'quarantined';

-- the key of a body is its message's
ALTER TABLE message_body DROP COLUMN subject;
