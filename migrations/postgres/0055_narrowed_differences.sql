-- Lists of open differences that are narrowed by one thing go along an index of it, oldest first.
CREATE INDEX difference_by_class ON difference (company_id, class, opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX difference_by_cause ON difference (company_id, cause, opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX difference_by_topic ON difference (company_id, topic, opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX difference_by_system ON difference (company_id, system, opened_at, id) WHERE closed_at IS NULL;
CREATE INDEX difference_by_carrier ON difference (company_id, carrier, opened_at, id) WHERE closed_at IS NULL AND carrier IS NOT NULL;
CREATE INDEX difference_by_owner ON difference (company_id, owner_id, opened_at, id) WHERE closed_at IS NULL AND owner_id IS NOT NULL;
