-- What lists and figures show is counted when it changes, in the transaction that changes it: each row adds to some counters
-- what it is, and takes away what it was. Triggers do it, so that no way of writing can forget it. What is counted by time is
-- counted by the quarter of an hour (microseconds / 900000000).

CREATE TABLE counter (
    company_id BLOB NOT NULL REFERENCES company (id),
    measure    TEXT NOT NULL,
    key        TEXT NOT NULL,
    bucket     INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    PRIMARY KEY (company_id, measure, key, bucket)
) STRICT, WITHOUT ROWID;

-- the carriers of its open bindings, a JSON list
ALTER TABLE shipment ADD COLUMN carriers TEXT NOT NULL DEFAULT '[]';
UPDATE shipment SET carriers = (
        SELECT json_group_array(carrier) FROM (
            SELECT DISTINCT coalesce(t.carrier_label, t.carrier) AS carrier FROM binding b JOIN tracker t ON t.id = b.tracker_id
            WHERE b.shipment_id = shipment.id AND coalesce(t.carrier_label, t.carrier) IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
            ORDER BY 1));

INSERT INTO counter (company_id, measure, key, bucket, number)
SELECT company_id, measure, key, bucket, sum(number) FROM (
    SELECT s.company_id AS company_id, 'tab' AS measure, 'all' AS key, 0 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL
    UNION ALL SELECT s.company_id AS company_id, 'tab' AS measure, 'open' AS key, 0 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL AND s.origin IS NOT NULL AND s.terminal = 0 AND s.standing <> 'cancelled'
    UNION ALL SELECT s.company_id AS company_id, 'tab' AS measure, 'exceptions' AS key, 0 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL AND s.open_exceptions > 0
    UNION ALL SELECT s.company_id AS company_id, 'tab' AS measure, 'late' AS key, 0 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL AND s.late = 1
    UNION ALL SELECT s.company_id AS company_id, 'tab' AS measure, 'silent' AS key, 0 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL AND s.silent = 1
    UNION ALL SELECT s.company_id AS company_id, 'tab' AS measure, 'delivered' AS key, 0 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL AND s.state = 'DELIVERED'
    UNION ALL SELECT s.company_id AS company_id, 'tab' AS measure, 'unclaimed' AS key, 0 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL AND s.origin IS NULL
    UNION ALL SELECT s.company_id AS company_id, 'state' AS measure, s.state AS key, 0 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL AND s.origin IS NOT NULL
    UNION ALL SELECT s.company_id AS company_id, 'event_quarter' AS measure, '' AS key, s.last_event_at / 900000000 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL AND s.origin IS NOT NULL AND s.terminal = 0 AND s.standing <> 'cancelled' AND s.last_event_at IS NOT NULL
    UNION ALL SELECT s.company_id AS company_id, 'heard_quarter' AS measure, '' AS key, s.heard_at / 900000000 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL AND s.origin IS NOT NULL AND s.terminal = 0 AND s.standing <> 'cancelled' AND s.heard_at IS NOT NULL
    UNION ALL SELECT s.company_id AS company_id, 'delivered_quarter' AS measure, '' AS key, s.delivered_at / 900000000 AS bucket, 1 AS number FROM shipment s WHERE s.merged_into IS NULL AND s.origin IS NOT NULL AND s.state = 'DELIVERED' AND s.delivered_at IS NOT NULL
    UNION ALL SELECT s.company_id AS company_id, 'carrier' AS measure, c.value AS key, 0 AS bucket, 1 AS number FROM shipment s CROSS JOIN json_each(s.carriers) c WHERE s.merged_into IS NULL AND s.origin IS NOT NULL
    UNION ALL SELECT s.company_id AS company_id, 'carrier_open' AS measure, c.value AS key, 0 AS bucket, 1 AS number FROM shipment s CROSS JOIN json_each(s.carriers) c WHERE s.merged_into IS NULL AND s.origin IS NOT NULL AND s.terminal = 0 AND s.standing <> 'cancelled'
    UNION ALL SELECT s.company_id AS company_id, 'carrier_delivered' AS measure, c.value AS key, 0 AS bucket, 1 AS number FROM shipment s CROSS JOIN json_each(s.carriers) c WHERE s.merged_into IS NULL AND s.origin IS NOT NULL AND s.state = 'DELIVERED'
    UNION ALL SELECT s.company_id AS company_id, 'carrier_exceptions' AS measure, c.value AS key, 0 AS bucket, 1 AS number FROM shipment s CROSS JOIN json_each(s.carriers) c WHERE s.merged_into IS NULL AND s.origin IS NOT NULL AND s.open_exceptions > 0
    UNION ALL SELECT s.company_id AS company_id, 'carrier_event_quarter' AS measure, c.value AS key, s.last_event_at / 900000000 AS bucket, 1 AS number FROM shipment s CROSS JOIN json_each(s.carriers) c WHERE s.merged_into IS NULL AND s.origin IS NOT NULL AND s.terminal = 0 AND s.standing <> 'cancelled' AND s.last_event_at IS NOT NULL)
GROUP BY company_id, measure, key, bucket HAVING sum(number) <> 0
ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
INSERT INTO counter (company_id, measure, key, bucket, number)
SELECT company_id, measure, key, bucket, sum(number) FROM (
    SELECT x.company_id AS company_id, 'queue' AS measure, x.category || '/' || x.severity AS key, 0 AS bucket, 1 AS number FROM exception x WHERE x.closed_at IS NULL
    UNION ALL SELECT x.company_id AS company_id, 'exception_quarter' AS measure, '' AS key, x.recorded_at / 900000000 AS bucket, 1 AS number FROM exception x WHERE true)
GROUP BY company_id, measure, key, bucket HAVING sum(number) <> 0
ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
INSERT INTO counter (company_id, measure, key, bucket, number)
SELECT company_id, measure, key, bucket, sum(number) FROM (
    SELECT d.company_id AS company_id, 'case_quarter' AS measure, '' AS key, d.opened_at / 900000000 AS bucket, 1 AS number FROM desk_case d WHERE true)
GROUP BY company_id, measure, key, bucket HAVING sum(number) <> 0
ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;

CREATE TRIGGER shipment_counted_insert AFTER INSERT ON shipment
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'all', 0, 1 WHERE new.merged_into IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'open', 0, 1 WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled'
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'exceptions', 0, 1 WHERE new.merged_into IS NULL AND new.open_exceptions > 0
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'late', 0, 1 WHERE new.merged_into IS NULL AND new.late = 1
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'silent', 0, 1 WHERE new.merged_into IS NULL AND new.silent = 1
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'delivered', 0, 1 WHERE new.merged_into IS NULL AND new.state = 'DELIVERED'
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'unclaimed', 0, 1 WHERE new.merged_into IS NULL AND new.origin IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'state', new.state, 0, 1 WHERE new.merged_into IS NULL AND new.origin IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'event_quarter', '', new.last_event_at / 900000000, 1 WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.last_event_at IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'heard_quarter', '', new.heard_at / 900000000, 1 WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.heard_at IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'delivered_quarter', '', new.delivered_at / 900000000, 1 WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.state = 'DELIVERED' AND new.delivered_at IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'carrier', c.value, 0, 1 FROM json_each(new.carriers) c WHERE new.merged_into IS NULL AND new.origin IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'carrier_open', c.value, 0, 1 FROM json_each(new.carriers) c WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled'
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'carrier_delivered', c.value, 0, 1 FROM json_each(new.carriers) c WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.state = 'DELIVERED'
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'carrier_exceptions', c.value, 0, 1 FROM json_each(new.carriers) c WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.open_exceptions > 0
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'carrier_event_quarter', c.value, new.last_event_at / 900000000, 1 FROM json_each(new.carriers) c WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.last_event_at IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER shipment_counted_delete AFTER DELETE ON shipment
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'tab', 'all', 0, -1 WHERE old.merged_into IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'tab', 'open', 0, -1 WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled'
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'tab', 'exceptions', 0, -1 WHERE old.merged_into IS NULL AND old.open_exceptions > 0
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'tab', 'late', 0, -1 WHERE old.merged_into IS NULL AND old.late = 1
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'tab', 'silent', 0, -1 WHERE old.merged_into IS NULL AND old.silent = 1
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'tab', 'delivered', 0, -1 WHERE old.merged_into IS NULL AND old.state = 'DELIVERED'
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'tab', 'unclaimed', 0, -1 WHERE old.merged_into IS NULL AND old.origin IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'state', old.state, 0, -1 WHERE old.merged_into IS NULL AND old.origin IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'event_quarter', '', old.last_event_at / 900000000, -1 WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.last_event_at IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'heard_quarter', '', old.heard_at / 900000000, -1 WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.heard_at IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'delivered_quarter', '', old.delivered_at / 900000000, -1 WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.state = 'DELIVERED' AND old.delivered_at IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'carrier', c.value, 0, -1 FROM json_each(old.carriers) c WHERE old.merged_into IS NULL AND old.origin IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'carrier_open', c.value, 0, -1 FROM json_each(old.carriers) c WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled'
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'carrier_delivered', c.value, 0, -1 FROM json_each(old.carriers) c WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.state = 'DELIVERED'
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'carrier_exceptions', c.value, 0, -1 FROM json_each(old.carriers) c WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.open_exceptions > 0
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'carrier_event_quarter', c.value, old.last_event_at / 900000000, -1 FROM json_each(old.carriers) c WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.last_event_at IS NOT NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
-- Three, since most changes concern few of them.
CREATE TRIGGER shipment_counted_exceptions AFTER UPDATE OF merged_into, origin, open_exceptions, late, silent, carriers ON shipment
WHEN old.merged_into IS NOT new.merged_into OR (old.origin IS NULL) <> (new.origin IS NULL) OR old.open_exceptions <> new.open_exceptions OR old.late <> new.late OR old.silent <> new.silent OR old.carriers <> new.carriers
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'exceptions', 0, (new.merged_into IS NULL AND new.open_exceptions > 0) - (old.merged_into IS NULL AND old.open_exceptions > 0) WHERE (old.merged_into IS NULL AND old.open_exceptions > 0) IS NOT (new.merged_into IS NULL AND new.open_exceptions > 0)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'late', 0, (new.merged_into IS NULL AND new.late = 1) - (old.merged_into IS NULL AND old.late = 1) WHERE (old.merged_into IS NULL AND old.late = 1) IS NOT (new.merged_into IS NULL AND new.late = 1)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'silent', 0, (new.merged_into IS NULL AND new.silent = 1) - (old.merged_into IS NULL AND old.silent = 1) WHERE (old.merged_into IS NULL AND old.silent = 1) IS NOT (new.merged_into IS NULL AND new.silent = 1)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'carrier_exceptions', c.value, 0, -1 FROM json_each(old.carriers) c WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.open_exceptions > 0 AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.open_exceptions > 0) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.open_exceptions > 0) OR old.carriers IS NOT new.carriers)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'carrier_exceptions', c.value, 0, 1 FROM json_each(new.carriers) c WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.open_exceptions > 0 AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.open_exceptions > 0) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.open_exceptions > 0) OR old.carriers IS NOT new.carriers)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER shipment_counted_hours AFTER UPDATE OF merged_into, origin, terminal, standing, last_event_at, heard_at, carriers ON shipment
WHEN old.merged_into IS NOT new.merged_into OR (old.origin IS NULL) <> (new.origin IS NULL) OR old.terminal <> new.terminal OR old.standing <> new.standing OR old.last_event_at / 900000000 IS NOT new.last_event_at / 900000000 OR old.heard_at / 900000000 IS NOT new.heard_at / 900000000 OR old.carriers <> new.carriers
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'event_quarter', '', old.last_event_at / 900000000, -1 WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.last_event_at IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.last_event_at IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.last_event_at IS NOT NULL) OR old.last_event_at / 900000000 IS NOT new.last_event_at / 900000000)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'event_quarter', '', new.last_event_at / 900000000, 1 WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.last_event_at IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.last_event_at IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.last_event_at IS NOT NULL) OR old.last_event_at / 900000000 IS NOT new.last_event_at / 900000000)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'heard_quarter', '', old.heard_at / 900000000, -1 WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.heard_at IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.heard_at IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.heard_at IS NOT NULL) OR old.heard_at / 900000000 IS NOT new.heard_at / 900000000)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'heard_quarter', '', new.heard_at / 900000000, 1 WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.heard_at IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.heard_at IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.heard_at IS NOT NULL) OR old.heard_at / 900000000 IS NOT new.heard_at / 900000000)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'carrier_event_quarter', c.value, old.last_event_at / 900000000, -1 FROM json_each(old.carriers) c WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.last_event_at IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.last_event_at IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.last_event_at IS NOT NULL) OR old.last_event_at / 900000000 IS NOT new.last_event_at / 900000000 OR old.carriers IS NOT new.carriers)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'carrier_event_quarter', c.value, new.last_event_at / 900000000, 1 FROM json_each(new.carriers) c WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.last_event_at IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND old.last_event_at IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND new.last_event_at IS NOT NULL) OR old.last_event_at / 900000000 IS NOT new.last_event_at / 900000000 OR old.carriers IS NOT new.carriers)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER shipment_counted_states AFTER UPDATE OF merged_into, origin, terminal, standing, state, delivered_at, carriers ON shipment
WHEN old.merged_into IS NOT new.merged_into OR (old.origin IS NULL) <> (new.origin IS NULL) OR old.terminal <> new.terminal OR old.standing <> new.standing OR old.state <> new.state OR old.delivered_at / 900000000 IS NOT new.delivered_at / 900000000 OR old.carriers <> new.carriers
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'all', 0, (new.merged_into IS NULL) - (old.merged_into IS NULL) WHERE (old.merged_into IS NULL) IS NOT (new.merged_into IS NULL)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'open', 0, (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled') - (old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled') WHERE (old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled') IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled')
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'delivered', 0, (new.merged_into IS NULL AND new.state = 'DELIVERED') - (old.merged_into IS NULL AND old.state = 'DELIVERED') WHERE (old.merged_into IS NULL AND old.state = 'DELIVERED') IS NOT (new.merged_into IS NULL AND new.state = 'DELIVERED')
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'tab', 'unclaimed', 0, (new.merged_into IS NULL AND new.origin IS NULL) - (old.merged_into IS NULL AND old.origin IS NULL) WHERE (old.merged_into IS NULL AND old.origin IS NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NULL)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'state', old.state, 0, -1 WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL) OR old.state IS NOT new.state)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'state', new.state, 0, 1 WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL) OR old.state IS NOT new.state)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'delivered_quarter', '', old.delivered_at / 900000000, -1 WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.state = 'DELIVERED' AND old.delivered_at IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.state = 'DELIVERED' AND old.delivered_at IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.state = 'DELIVERED' AND new.delivered_at IS NOT NULL) OR old.delivered_at / 900000000 IS NOT new.delivered_at / 900000000)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'delivered_quarter', '', new.delivered_at / 900000000, 1 WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.state = 'DELIVERED' AND new.delivered_at IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.state = 'DELIVERED' AND old.delivered_at IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.state = 'DELIVERED' AND new.delivered_at IS NOT NULL) OR old.delivered_at / 900000000 IS NOT new.delivered_at / 900000000)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'carrier', c.value, 0, -1 FROM json_each(old.carriers) c WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL) OR old.carriers IS NOT new.carriers)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'carrier', c.value, 0, 1 FROM json_each(new.carriers) c WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND ((old.merged_into IS NULL AND old.origin IS NOT NULL) IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL) OR old.carriers IS NOT new.carriers)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'carrier_open', c.value, 0, -1 FROM json_each(old.carriers) c WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled' AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled') IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled') OR old.carriers IS NOT new.carriers)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'carrier_open', c.value, 0, 1 FROM json_each(new.carriers) c WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled' AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.terminal = 0 AND old.standing <> 'cancelled') IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.terminal = 0 AND new.standing <> 'cancelled') OR old.carriers IS NOT new.carriers)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'carrier_delivered', c.value, 0, -1 FROM json_each(old.carriers) c WHERE old.merged_into IS NULL AND old.origin IS NOT NULL AND old.state = 'DELIVERED' AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.state = 'DELIVERED') IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.state = 'DELIVERED') OR old.carriers IS NOT new.carriers)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'carrier_delivered', c.value, 0, 1 FROM json_each(new.carriers) c WHERE new.merged_into IS NULL AND new.origin IS NOT NULL AND new.state = 'DELIVERED' AND ((old.merged_into IS NULL AND old.origin IS NOT NULL AND old.state = 'DELIVERED') IS NOT (new.merged_into IS NULL AND new.origin IS NOT NULL AND new.state = 'DELIVERED') OR old.carriers IS NOT new.carriers)
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER exception_counted_insert AFTER INSERT ON exception
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'queue', new.category || '/' || new.severity, 0, 1 WHERE new.closed_at IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'exception_quarter', '', new.recorded_at / 900000000, 1 WHERE true
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER exception_counted_update AFTER UPDATE OF category, severity, closed_at ON exception
WHEN (old.closed_at IS NULL) IS NOT (new.closed_at IS NULL) OR old.category IS NOT new.category OR old.severity IS NOT new.severity
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'queue', old.category || '/' || old.severity, 0, -1 WHERE old.closed_at IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'queue', new.category || '/' || new.severity, 0, 1 WHERE new.closed_at IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER exception_counted_delete AFTER DELETE ON exception
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'queue', old.category || '/' || old.severity, 0, -1 WHERE old.closed_at IS NULL
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'exception_quarter', '', old.recorded_at / 900000000, -1 WHERE true
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER desk_case_counted_insert AFTER INSERT ON desk_case
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT new.company_id, 'case_quarter', '', new.opened_at / 900000000, 1 WHERE true
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER desk_case_counted_delete AFTER DELETE ON desk_case
BEGIN
    INSERT INTO counter (company_id, measure, key, bucket, number)
    SELECT old.company_id, 'case_quarter', '', old.opened_at / 900000000, -1 WHERE true
    ON CONFLICT (company_id, measure, key, bucket) DO UPDATE SET number = number + excluded.number;
END;

CREATE TRIGGER binding_carriers AFTER INSERT ON binding
BEGIN
    UPDATE shipment SET carriers = (
        SELECT json_group_array(carrier) FROM (
            SELECT DISTINCT coalesce(t.carrier_label, t.carrier) AS carrier FROM binding b JOIN tracker t ON t.id = b.tracker_id
            WHERE b.shipment_id = new.shipment_id AND coalesce(t.carrier_label, t.carrier) IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
            ORDER BY 1))
    WHERE id = new.shipment_id;
END;
CREATE TRIGGER binding_end_carriers AFTER INSERT ON binding_end
BEGIN
    UPDATE shipment SET carriers = (
        SELECT json_group_array(carrier) FROM (
            SELECT DISTINCT coalesce(t.carrier_label, t.carrier) AS carrier FROM binding b JOIN tracker t ON t.id = b.tracker_id
            WHERE b.shipment_id = shipment.id AND coalesce(t.carrier_label, t.carrier) IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
            ORDER BY 1))
    WHERE id = (SELECT shipment_id FROM binding WHERE id = new.binding_id);
END;
CREATE TRIGGER tracker_carriers AFTER UPDATE OF carrier, carrier_label ON tracker
WHEN coalesce(old.carrier_label, old.carrier) IS NOT coalesce(new.carrier_label, new.carrier)
BEGIN
    UPDATE shipment SET carriers = (
        SELECT json_group_array(carrier) FROM (
            SELECT DISTINCT coalesce(t.carrier_label, t.carrier) AS carrier FROM binding b JOIN tracker t ON t.id = b.tracker_id
            WHERE b.shipment_id = shipment.id AND coalesce(t.carrier_label, t.carrier) IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
            ORDER BY 1))
    WHERE id IN (SELECT shipment_id FROM binding WHERE tracker_id = new.id);
END;

-- Lists of one state walk an index, as those of each view do.
CREATE INDEX shipment_state ON shipment (company_id, state, need, moved_at, id) WHERE merged_into IS NULL;
DROP INDEX shipment_delivered;
CREATE INDEX shipment_delivered_at ON shipment (company_id, delivered_at, id)
    WHERE merged_into IS NULL AND state = 'DELIVERED' AND delivered_at IS NOT NULL;

-- What people put off is counted apart from what waits.
CREATE INDEX exception_snoozed ON exception (company_id, snoozed_until) WHERE closed_at IS NULL AND snoozed_until IS NOT NULL;

-- Ages of open exceptions are read along one index, and so are tickets that are resolved.
CREATE INDEX exception_age ON exception (company_id, opened_at, due_at, snoozed_until, closed_at) WHERE closed_at IS NULL;
CREATE INDEX desk_case_resolved ON desk_case (company_id, opened_at, exception_id) WHERE status = 'resolved';
