COMMENT ON TYPE brand_type IS 'Brand that a record speaks of; patient_journeys.brand is free text instead.';
COMMENT ON TYPE region_type IS 'Census region of the United States.';
COMMENT ON TYPE event_type IS 'Kind of a clinical event.';
COMMENT ON TYPE journey_status_type IS 'State of a patient journey; created for the columns that later schemas add, used by none so far.';
