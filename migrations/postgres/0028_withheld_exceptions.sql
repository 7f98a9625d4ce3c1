-- Nobody is told of an exception that was history when it was recorded, whatever happens to its shipment later.

ALTER TABLE exception ADD COLUMN withheld BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE exception SET withheld = TRUE
WHERE closed_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM desk_case c WHERE c.exception_id = exception.id)
  AND EXISTS (SELECT 1 FROM effect e
              WHERE e.shipment_id = exception.shipment_id AND e.kind = 'order_activity' AND e.external = 'withheld'
                AND e.key = 'exception/' || exception.id::text);
