-- When a message was first verified with the newest secret: the one before is not forgotten sooner.

ALTER TABLE connection ADD COLUMN secret_accepted_at BIGINT;
