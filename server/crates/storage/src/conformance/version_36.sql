-- What a database of version 36 may have: a source, a message, an order with a case, and jobs of every kind and status.
INSERT INTO company (id, name, created_at) VALUES ({id 1}, 'Acme', 0);
INSERT INTO setting (company_id, name, value) VALUES ({id 1}, 'odoo.import', 'a cursor');
INSERT INTO source (id, company_id, name, connector, scheme, secrets_subject, secrets, secret_set_at, enabled, sandbox, created_at, settings) VALUES
    ({id 2}, {id 1}, 'shop', 'aftership', 'hmac', {id 2}, {bytes}, 0, {yes}, {no}, 0, '{}'),
    ({id 3}, {id 1}, 'ship', 'shipengine', 'rsa', {id 3}, {bytes}, 0, {yes}, {no}, 0, '{"keys_url":"https://keys.example/jwks"}');
INSERT INTO message (id, company_id, source_id, correlation, received_at, digest, headers, verified_by, size) VALUES
    ({id 4}, {id 1}, {id 2}, {id 4}, 0, {id 4}, '{}', 'hmac', 1);
INSERT INTO order_problem (company_id, record, problem, imported, attempts, first_seen, tried_at, next_try) VALUES ({id 1}, 7, 'no key', {no}, 1, 0, 0, 0);
INSERT INTO shipment (id, company_id, origin, origin_system, origin_model, origin_record, plan, created_at, updated_at, state, visibility) VALUES
    ({id 5}, {id 1}, '{"system":"odoo","model":"stock.picking","record":5,"name":"WH/OUT/00005"}', 'odoo', 'stock.picking', 5, '{}', 0, 0, 'UNKNOWN', 'none');
INSERT INTO exception (id, company_id, shipment_id, reason, category, severity, severity_rank, responsible, opened_at, recorded_at, evidence, due_at) VALUES
    ({id 6}, {id 1}, {id 5}, 'DAMAGED', 'damage', 'critical', 3, 'carrier', 0, 0, '[]', 0);
INSERT INTO desk_case (id, company_id, exception_id, shipment_id, desk, external_key, number, status, opened_at, notes) VALUES
    ({id 7}, {id 1}, {id 6}, {id 5}, 'request_tracker', 'key', '12', 'open', 0, '[]');
INSERT INTO destination (company_id, name, paused, health) VALUES
    ({id 1}, 'keys', '{"at":"2026-03-01T08:00:00Z","by":{"kind":"operator"},"why":"they move"}',
     '{"failures":0,"closed_off":0,"shut_until":null,"probe_until":null,"held_until":null}'),
    ({id 1}, 'odoo', '{"at":"2026-03-01T08:00:00Z","by":{"kind":"operator"},"why":"upgrade"}',
     '{"failures":0,"closed_off":0,"shut_until":null,"probe_until":null,"held_until":null}');
INSERT INTO job (id, company_id, kind, target, destination, lane, cause, run_at, correlation, status, attempts, owner, lease_until, class, created_at, updated_at) VALUES
    ({id 20}, {id 1}, 'normalise', 'm', NULL, 'real_time', 'live', 0, {id 4}, 'ready', 0, NULL, NULL, NULL, 0, 0),
    ({id 21}, {id 1}, 'fold', 's', NULL, 'batch', 'import', 0, {id 4}, 'retrying', 2, NULL, NULL, 'store', 0, 0),
    ({id 22}, {id 1}, 'sync_order', 's', 'odoo', 'real_time', 'live', 0, {id 4}, 'leased', 0, 'a process that died', 0, NULL, 0, 0),
    ({id 23}, {id 1}, 'sync_order', 't', 'odoo', 'real_time', 'live', 0, {id 4}, 'dead', 1, NULL, NULL, 'forbidden', 0, 0),
    ({id 24}, {id 1}, 'sync_case', 'e', 'desk', 'real_time', 'live', 0, {id 4}, 'ready', 0, NULL, NULL, NULL, 0, 0),
    ({id 25}, {id 1}, 'poll_desk', 'an_earlier_connector', 'desk', 'batch', 'live', 0, {id 4}, 'retrying', 1, NULL, NULL, 'timeout', 0, 0),
    ({id 26}, {id 1}, 'poll_desk', 'request_tracker', 'desk', 'batch', 'live', 0, {id 4}, 'ready', 0, NULL, NULL, NULL, 0, 0),
    ({id 27}, {id 1}, 'poll_desk', 'request_tracker', 'desk', 'batch', 'live', 0, {id 4}, 'done', 1, NULL, NULL, NULL, 0, 0),
    ({id 28}, {id 1}, 'import_orders', 'odoo', 'odoo', 'batch', 'import', 0, {id 4}, 'ready', 0, NULL, NULL, NULL, 0, 0),
    ({id 29}, {id 1}, 'fetch_keys', 'ship', 'keys', 'batch', 'live', 0, {id 4}, 'ready', 0, NULL, NULL, NULL, 0, 0),
    ({id 30}, {id 1}, 'fetch_keys', 'ship', 'keys', 'batch', 'live', 0, {id 4}, 'done', 1, NULL, NULL, NULL, 0, 0),
    ({id 31}, {id 1}, 'reread', '1', NULL, 'batch', 'replay', 0, {id 4}, 'ready', 0, NULL, NULL, NULL, 0, 0),
    ({id 32}, {id 1}, 'replay', 'r', NULL, 'real_time', 'replay', 0, {id 4}, 'ready', 0, NULL, NULL, NULL, 0, 0);
