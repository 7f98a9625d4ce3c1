-- Sessions are listed and ended by person: who is signed in has to sign in again. Of tries it is kept from when on the next is free.

DROP TABLE session;
CREATE TABLE session (
    key        TEXT PRIMARY KEY,
    user_id    BLOB NOT NULL,
    made_at    INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    data       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_end ON session (expires_at);
CREATE INDEX session_of_user ON session (user_id);

DROP TABLE throttle;
CREATE TABLE throttle (
    key         TEXT PRIMARY KEY,
    hits        INTEGER NOT NULL,
    free_at     INTEGER NOT NULL,
    window_ends INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX throttle_end ON throttle (window_ends);
