-- Whether a person linked the number, against the carrier that the order system names: an import leaves it as long as the
-- order goes under that number.
ALTER TABLE binding ADD COLUMN linked INTEGER NOT NULL DEFAULT 0;
