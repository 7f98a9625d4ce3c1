-- What one process does for all: the schedule. Whoever has the lease leads until it ends.

CREATE TABLE lease (
    name     TEXT PRIMARY KEY,
    owner    TEXT NOT NULL,
    ends_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
