-- What lists and figures show is counted when it changes, in the transaction that changes it: each row adds to some counters
-- what it is, and takes away what it was. Triggers do it, so that no way of writing can forget it. What is counted by time is
-- counted by the quarter of an hour (microseconds / 900000000).

-- Each connection has rows of its own (slot: its process id), so that no transaction waits for another's; a counter is their
-- sum. The upkeep adds them up in slot 0.
CREATE TABLE counter (
    company_id UUID NOT NULL,
    measure    TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    bucket     BIGINT NOT NULL,
    slot       BIGINT NOT NULL,
    number     BIGINT NOT NULL,
    PRIMARY KEY (company_id, measure, key, bucket, slot)
) WITH (fillfactor = 50);

-- the carriers of its open bindings, a JSON list
ALTER TABLE shipment ADD COLUMN carriers TEXT COLLATE "C" NOT NULL DEFAULT '[]';
CREATE FUNCTION carriers_of(shipment UUID) RETURNS TEXT LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT json_agg(c.carrier ORDER BY c.carrier)::text FROM (
            SELECT DISTINCT coalesce(t.carrier_label, t.carrier) AS carrier FROM binding b JOIN tracker t ON t.id = b.tracker_id
            WHERE b.shipment_id = shipment AND coalesce(t.carrier_label, t.carrier) IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)) c), '[]')
$$;
UPDATE shipment SET carriers = carriers_of(id);

INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
SELECT r.company_id, m.measure, m.key, m.bucket, 0, sum(r.sign * m.weight)::bigint
FROM (SELECT 1 AS sign, company_id, merged_into, origin IS NOT NULL AS claimed, terminal, standing, state, open_exceptions, late, silent, last_event_at, heard_at, delivered_at, carriers FROM shipment) r
CROSS JOIN LATERAL (SELECT r.claimed AND NOT r.terminal AND r.standing <> 'cancelled' AS going) g
CROSS JOIN LATERAL (
    SELECT v.measure, v.key, v.bucket, 1 AS weight FROM (VALUES
        ('tab', 'all', 0::bigint, true),
        ('tab', 'open', 0, g.going),
        ('tab', 'exceptions', 0, r.open_exceptions > 0),
        ('tab', 'late', 0, r.late),
        ('tab', 'silent', 0, r.silent),
        ('tab', 'delivered', 0, r.state = 'DELIVERED'),
        ('tab', 'unclaimed', 0, NOT r.claimed),
        ('state', r.state, 0, r.claimed),
        ('event_quarter', '', r.last_event_at / 900000000, g.going AND r.last_event_at IS NOT NULL),
        ('heard_quarter', '', r.heard_at / 900000000, g.going AND r.heard_at IS NOT NULL),
        ('delivered_quarter', '', r.delivered_at / 900000000, r.claimed AND r.state = 'DELIVERED' AND r.delivered_at IS NOT NULL)) v (measure, key, bucket, applies)
    WHERE v.applies
    UNION ALL
    SELECT v.measure, c.carrier, v.bucket, v.weight FROM json_array_elements_text(r.carriers::json) c (carrier) CROSS JOIN LATERAL (VALUES
        ('carrier', 0::bigint, 1::bigint, true),
        ('carrier_open', 0, 1, g.going),
        ('carrier_delivered', 0, 1, r.state = 'DELIVERED'),
        ('carrier_exceptions', 0, 1, r.open_exceptions > 0),
        ('carrier_event_quarter', r.last_event_at / 900000000, 1, g.going AND r.last_event_at IS NOT NULL)) v (measure, bucket, weight, applies)
    WHERE v.applies AND r.claimed) m
WHERE r.merged_into IS NULL
GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
ORDER BY r.company_id, m.measure, m.key, m.bucket
ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
SELECT r.company_id, m.measure, m.key, m.bucket, 0, sum(r.sign * m.weight)::bigint
FROM (SELECT 1 AS sign, company_id, category, severity, closed_at, recorded_at FROM exception) r
CROSS JOIN LATERAL (VALUES
    ('queue', r.category || '/' || r.severity, 0::bigint, 1, r.closed_at IS NULL),
    ('exception_quarter', '', r.recorded_at / 900000000, 1, true)) m (measure, key, bucket, weight, applies)
WHERE m.applies
GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
ORDER BY r.company_id, m.measure, m.key, m.bucket
ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
SELECT r.company_id, m.measure, m.key, m.bucket, 0, sum(r.sign * m.weight)::bigint
FROM (SELECT 1 AS sign, company_id, opened_at FROM desk_case) r
CROSS JOIN LATERAL (VALUES ('case_quarter', '', r.opened_at / 900000000, 1)) m (measure, key, bucket, weight)
GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
ORDER BY r.company_id, m.measure, m.key, m.bucket
ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;

CREATE FUNCTION shipment_counted_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, m.measure, m.key, m.bucket, pg_backend_pid(), sum(r.sign * m.weight)::bigint
    FROM (SELECT 1 AS sign, company_id, merged_into, origin IS NOT NULL AS claimed, terminal, standing, state, open_exceptions, late, silent, last_event_at, heard_at, delivered_at, carriers FROM new_rows) r
    CROSS JOIN LATERAL (SELECT r.claimed AND NOT r.terminal AND r.standing <> 'cancelled' AS going) g
    CROSS JOIN LATERAL (
        SELECT v.measure, v.key, v.bucket, 1 AS weight FROM (VALUES
            ('tab', 'all', 0::bigint, true),
            ('tab', 'open', 0, g.going),
            ('tab', 'exceptions', 0, r.open_exceptions > 0),
            ('tab', 'late', 0, r.late),
            ('tab', 'silent', 0, r.silent),
            ('tab', 'delivered', 0, r.state = 'DELIVERED'),
            ('tab', 'unclaimed', 0, NOT r.claimed),
            ('state', r.state, 0, r.claimed),
            ('event_quarter', '', r.last_event_at / 900000000, g.going AND r.last_event_at IS NOT NULL),
            ('heard_quarter', '', r.heard_at / 900000000, g.going AND r.heard_at IS NOT NULL),
            ('delivered_quarter', '', r.delivered_at / 900000000, r.claimed AND r.state = 'DELIVERED' AND r.delivered_at IS NOT NULL)) v (measure, key, bucket, applies)
        WHERE v.applies
        UNION ALL
        SELECT v.measure, c.carrier, v.bucket, v.weight FROM json_array_elements_text(r.carriers::json) c (carrier) CROSS JOIN LATERAL (VALUES
            ('carrier', 0::bigint, 1::bigint, true),
            ('carrier_open', 0, 1, g.going),
            ('carrier_delivered', 0, 1, r.state = 'DELIVERED'),
            ('carrier_exceptions', 0, 1, r.open_exceptions > 0),
            ('carrier_event_quarter', r.last_event_at / 900000000, 1, g.going AND r.last_event_at IS NOT NULL)) v (measure, bucket, weight, applies)
        WHERE v.applies AND r.claimed) m
    WHERE r.merged_into IS NULL
    GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
    ORDER BY r.company_id, m.measure, m.key, m.bucket
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER shipment_counted_insert AFTER INSERT ON shipment REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shipment_counted_insert();
CREATE FUNCTION shipment_counted_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, m.measure, m.key, m.bucket, pg_backend_pid(), sum(r.sign * m.weight)::bigint
    FROM (SELECT 1 AS sign, company_id, merged_into, origin IS NOT NULL AS claimed, terminal, standing, state, open_exceptions, late, silent, last_event_at, heard_at, delivered_at, carriers FROM new_rows UNION ALL SELECT -1, company_id, merged_into, origin IS NOT NULL AS claimed, terminal, standing, state, open_exceptions, late, silent, last_event_at, heard_at, delivered_at, carriers FROM old_rows) r
    CROSS JOIN LATERAL (SELECT r.claimed AND NOT r.terminal AND r.standing <> 'cancelled' AS going) g
    CROSS JOIN LATERAL (
        SELECT v.measure, v.key, v.bucket, 1 AS weight FROM (VALUES
            ('tab', 'all', 0::bigint, true),
            ('tab', 'open', 0, g.going),
            ('tab', 'exceptions', 0, r.open_exceptions > 0),
            ('tab', 'late', 0, r.late),
            ('tab', 'silent', 0, r.silent),
            ('tab', 'delivered', 0, r.state = 'DELIVERED'),
            ('tab', 'unclaimed', 0, NOT r.claimed),
            ('state', r.state, 0, r.claimed),
            ('event_quarter', '', r.last_event_at / 900000000, g.going AND r.last_event_at IS NOT NULL),
            ('heard_quarter', '', r.heard_at / 900000000, g.going AND r.heard_at IS NOT NULL),
            ('delivered_quarter', '', r.delivered_at / 900000000, r.claimed AND r.state = 'DELIVERED' AND r.delivered_at IS NOT NULL)) v (measure, key, bucket, applies)
        WHERE v.applies
        UNION ALL
        SELECT v.measure, c.carrier, v.bucket, v.weight FROM json_array_elements_text(r.carriers::json) c (carrier) CROSS JOIN LATERAL (VALUES
            ('carrier', 0::bigint, 1::bigint, true),
            ('carrier_open', 0, 1, g.going),
            ('carrier_delivered', 0, 1, r.state = 'DELIVERED'),
            ('carrier_exceptions', 0, 1, r.open_exceptions > 0),
            ('carrier_event_quarter', r.last_event_at / 900000000, 1, g.going AND r.last_event_at IS NOT NULL)) v (measure, bucket, weight, applies)
        WHERE v.applies AND r.claimed) m
    WHERE r.merged_into IS NULL
    GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
    ORDER BY r.company_id, m.measure, m.key, m.bucket
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER shipment_counted_update AFTER UPDATE ON shipment REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shipment_counted_update();
CREATE FUNCTION shipment_counted_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, m.measure, m.key, m.bucket, pg_backend_pid(), sum(r.sign * m.weight)::bigint
    FROM (SELECT -1 AS sign, company_id, merged_into, origin IS NOT NULL AS claimed, terminal, standing, state, open_exceptions, late, silent, last_event_at, heard_at, delivered_at, carriers FROM old_rows) r
    CROSS JOIN LATERAL (SELECT r.claimed AND NOT r.terminal AND r.standing <> 'cancelled' AS going) g
    CROSS JOIN LATERAL (
        SELECT v.measure, v.key, v.bucket, 1 AS weight FROM (VALUES
            ('tab', 'all', 0::bigint, true),
            ('tab', 'open', 0, g.going),
            ('tab', 'exceptions', 0, r.open_exceptions > 0),
            ('tab', 'late', 0, r.late),
            ('tab', 'silent', 0, r.silent),
            ('tab', 'delivered', 0, r.state = 'DELIVERED'),
            ('tab', 'unclaimed', 0, NOT r.claimed),
            ('state', r.state, 0, r.claimed),
            ('event_quarter', '', r.last_event_at / 900000000, g.going AND r.last_event_at IS NOT NULL),
            ('heard_quarter', '', r.heard_at / 900000000, g.going AND r.heard_at IS NOT NULL),
            ('delivered_quarter', '', r.delivered_at / 900000000, r.claimed AND r.state = 'DELIVERED' AND r.delivered_at IS NOT NULL)) v (measure, key, bucket, applies)
        WHERE v.applies
        UNION ALL
        SELECT v.measure, c.carrier, v.bucket, v.weight FROM json_array_elements_text(r.carriers::json) c (carrier) CROSS JOIN LATERAL (VALUES
            ('carrier', 0::bigint, 1::bigint, true),
            ('carrier_open', 0, 1, g.going),
            ('carrier_delivered', 0, 1, r.state = 'DELIVERED'),
            ('carrier_exceptions', 0, 1, r.open_exceptions > 0),
            ('carrier_event_quarter', r.last_event_at / 900000000, 1, g.going AND r.last_event_at IS NOT NULL)) v (measure, bucket, weight, applies)
        WHERE v.applies AND r.claimed) m
    WHERE r.merged_into IS NULL
    GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
    ORDER BY r.company_id, m.measure, m.key, m.bucket
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER shipment_counted_delete AFTER DELETE ON shipment REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shipment_counted_delete();
CREATE FUNCTION exception_counted_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, m.measure, m.key, m.bucket, pg_backend_pid(), sum(r.sign * m.weight)::bigint
    FROM (SELECT 1 AS sign, company_id, category, severity, closed_at, recorded_at FROM new_rows) r
    CROSS JOIN LATERAL (VALUES
        ('queue', r.category || '/' || r.severity, 0::bigint, 1, r.closed_at IS NULL),
        ('exception_quarter', '', r.recorded_at / 900000000, 1, true)) m (measure, key, bucket, weight, applies)
    WHERE m.applies
    GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
    ORDER BY r.company_id, m.measure, m.key, m.bucket
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER exception_counted_insert AFTER INSERT ON exception REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION exception_counted_insert();
CREATE FUNCTION exception_counted_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, m.measure, m.key, m.bucket, pg_backend_pid(), sum(r.sign * m.weight)::bigint
    FROM (SELECT 1 AS sign, company_id, category, severity, closed_at, recorded_at FROM new_rows UNION ALL SELECT -1, company_id, category, severity, closed_at, recorded_at FROM old_rows) r
    CROSS JOIN LATERAL (VALUES
        ('queue', r.category || '/' || r.severity, 0::bigint, 1, r.closed_at IS NULL),
        ('exception_quarter', '', r.recorded_at / 900000000, 1, true)) m (measure, key, bucket, weight, applies)
    WHERE m.applies
    GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
    ORDER BY r.company_id, m.measure, m.key, m.bucket
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER exception_counted_update AFTER UPDATE ON exception REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION exception_counted_update();
CREATE FUNCTION exception_counted_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, m.measure, m.key, m.bucket, pg_backend_pid(), sum(r.sign * m.weight)::bigint
    FROM (SELECT -1 AS sign, company_id, category, severity, closed_at, recorded_at FROM old_rows) r
    CROSS JOIN LATERAL (VALUES
        ('queue', r.category || '/' || r.severity, 0::bigint, 1, r.closed_at IS NULL),
        ('exception_quarter', '', r.recorded_at / 900000000, 1, true)) m (measure, key, bucket, weight, applies)
    WHERE m.applies
    GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
    ORDER BY r.company_id, m.measure, m.key, m.bucket
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER exception_counted_delete AFTER DELETE ON exception REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION exception_counted_delete();
CREATE FUNCTION desk_case_counted_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, m.measure, m.key, m.bucket, pg_backend_pid(), sum(r.sign * m.weight)::bigint
    FROM (SELECT 1 AS sign, company_id, opened_at FROM new_rows) r
    CROSS JOIN LATERAL (VALUES ('case_quarter', '', r.opened_at / 900000000, 1)) m (measure, key, bucket, weight)
    GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
    ORDER BY r.company_id, m.measure, m.key, m.bucket
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER desk_case_counted_insert AFTER INSERT ON desk_case REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION desk_case_counted_insert();
CREATE FUNCTION desk_case_counted_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (company_id, measure, key, bucket, slot, number)
    SELECT r.company_id, m.measure, m.key, m.bucket, pg_backend_pid(), sum(r.sign * m.weight)::bigint
    FROM (SELECT -1 AS sign, company_id, opened_at FROM old_rows) r
    CROSS JOIN LATERAL (VALUES ('case_quarter', '', r.opened_at / 900000000, 1)) m (measure, key, bucket, weight)
    GROUP BY r.company_id, m.measure, m.key, m.bucket HAVING sum(r.sign * m.weight) <> 0
    ORDER BY r.company_id, m.measure, m.key, m.bucket
    ON CONFLICT (company_id, measure, key, bucket, slot) DO UPDATE SET number = c.number + excluded.number;
    RETURN NULL;
END
$$;
CREATE TRIGGER desk_case_counted_delete AFTER DELETE ON desk_case REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION desk_case_counted_delete();

-- In the order of their ids, as everybody who changes several shipments takes them.
CREATE FUNCTION renew_carriers(shipments UUID[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one UUID;
BEGIN
    FOR one IN SELECT DISTINCT s FROM unnest(shipments) s ORDER BY s LOOP
        UPDATE shipment SET carriers = carriers_of(one) WHERE id = one AND carriers <> carriers_of(one);
    END LOOP;
END
$$;
CREATE FUNCTION binding_carriers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM renew_carriers((SELECT array_agg(shipment_id) FROM new_rows));
    RETURN NULL;
END
$$;
CREATE TRIGGER binding_carriers AFTER INSERT ON binding REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION binding_carriers();
CREATE FUNCTION binding_end_carriers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM renew_carriers((SELECT array_agg(b.shipment_id) FROM new_rows n JOIN binding b ON b.id = n.binding_id));
    RETURN NULL;
END
$$;
CREATE TRIGGER binding_end_carriers AFTER INSERT ON binding_end REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION binding_end_carriers();
CREATE FUNCTION tracker_carriers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM renew_carriers((SELECT array_agg(shipment_id) FROM binding WHERE tracker_id = NEW.id));
    RETURN NULL;
END
$$;
CREATE TRIGGER tracker_carriers AFTER UPDATE OF carrier, carrier_label ON tracker FOR EACH ROW
    WHEN (coalesce(OLD.carrier_label, OLD.carrier) IS DISTINCT FROM coalesce(NEW.carrier_label, NEW.carrier))
    EXECUTE FUNCTION tracker_carriers();

-- Lists of one state walk an index, as those of each view do.
CREATE INDEX shipment_state ON shipment (company_id, state, need, moved_at, id) WHERE merged_into IS NULL;
DROP INDEX shipment_delivered;
CREATE INDEX shipment_delivered_at ON shipment (company_id, delivered_at, id)
    WHERE merged_into IS NULL AND state = 'DELIVERED' AND delivered_at IS NOT NULL;

-- Whether a shipment goes under a word is answered by the index alone.
CREATE INDEX shipment_term_by ON shipment_term (shipment_id, kind, term);
DROP INDEX shipment_term_of;

-- What people put off is counted apart from what waits.
CREATE INDEX exception_snoozed ON exception (company_id, snoozed_until) WHERE closed_at IS NULL AND snoozed_until IS NOT NULL;

-- Ages of open exceptions are read along one index, and so are tickets that are resolved.
CREATE INDEX exception_age ON exception (company_id, opened_at, due_at, snoozed_until) WHERE closed_at IS NULL;
CREATE INDEX desk_case_resolved ON desk_case (company_id, opened_at, exception_id) WHERE status = 'resolved';
