-- Sessions are listed and ended by person: who is signed in has to sign in again. Of tries it is kept from when on the next is free.

DROP TABLE session;
CREATE TABLE session (
    key        TEXT PRIMARY KEY,
    user_id    UUID NOT NULL,
    made_at    BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    data       TEXT NOT NULL
);
CREATE INDEX session_end ON session (expires_at);
CREATE INDEX session_of_user ON session (user_id);

DROP TABLE throttle;
CREATE TABLE throttle (
    key         TEXT PRIMARY KEY,
    hits        BIGINT NOT NULL,
    free_at     BIGINT NOT NULL,
    window_ends BIGINT NOT NULL
);
CREATE INDEX throttle_end ON throttle (window_ends);
