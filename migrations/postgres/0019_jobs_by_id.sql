-- A job is found by its id. Its number only orders those of one moment, and its index was written at every step.

ALTER TABLE job DROP CONSTRAINT job_pkey, DROP CONSTRAINT job_id_key, ADD PRIMARY KEY (id);
