-- Since when a binding concerns its shipment, where that is not since it was recorded.

ALTER TABLE binding ADD COLUMN valid_from BIGINT;
