-- Proofs of delivery that are still awaited, by when they were asked for: those that never come end.
CREATE INDEX effect_awaited_proof ON effect (company_id, created_at, id) WHERE kind = 'order_proof' AND done_at IS NULL;
