-- How a source's messages are read, and how far an interchange has been taken in.

ALTER TABLE source ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
-- reports of the message that are recorded while others still have to be
ALTER TABLE message ADD COLUMN cursor BIGINT NOT NULL DEFAULT 0;
