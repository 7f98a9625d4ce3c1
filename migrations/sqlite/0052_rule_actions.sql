-- Which severity a ticket's priority was given last, and the rule that closed a ticket while its exception was open.
ALTER TABLE desk_case ADD COLUMN severity TEXT;
ALTER TABLE desk_case ADD COLUMN closed_by_rule TEXT;

-- Rules that the clock starts walk the shipments that are under way.
CREATE INDEX shipment_under_way ON shipment (company_id, id) WHERE terminal = 0 AND origin IS NOT NULL AND merged_into IS NULL;
