ALTER TABLE hcp_profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE hcp_profiles FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON hcp_profiles AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (hcp_profiles.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (hcp_profiles.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON hcp_profiles AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE reference_universe ENABLE ROW LEVEL SECURITY;
ALTER TABLE reference_universe FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON reference_universe AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (reference_universe.tenant_id = (SELECT app.current_tenant()))
    WITH CHECK (reference_universe.tenant_id = (SELECT app.current_tenant()));

CREATE POLICY tenant_members ON reference_universe AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE patient_journeys ENABLE ROW LEVEL SECURITY;
ALTER TABLE patient_journeys FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON patient_journeys AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (patient_journeys.tenant_id = (SELECT app.current_tenant()) AND patient_journeys.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])) AND CASE WHEN (patient_journeys.split_assignment = 'train') THEN coalesce(CAST(patient_journeys.journey_start_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC', patient_journeys.source_timestamp, patient_journeys.created_at) < (SELECT app.window_bound('train_until')) WHEN (patient_journeys.split_assignment = 'validation') THEN coalesce(CAST(patient_journeys.journey_start_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC', patient_journeys.source_timestamp, patient_journeys.created_at) >= (SELECT app.window_bound('validation_from')) AND coalesce(CAST(patient_journeys.journey_start_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC', patient_journeys.source_timestamp, patient_journeys.created_at) < (SELECT app.window_bound('validation_until')) WHEN (patient_journeys.split_assignment = 'test') THEN coalesce(CAST(patient_journeys.journey_start_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC', patient_journeys.source_timestamp, patient_journeys.created_at) >= (SELECT app.window_bound('test_from')) AND coalesce(CAST(patient_journeys.journey_start_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC', patient_journeys.source_timestamp, patient_journeys.created_at) < (SELECT app.window_bound('test_until')) WHEN (patient_journeys.split_assignment = 'holdout') THEN coalesce(CAST(patient_journeys.journey_start_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC', patient_journeys.source_timestamp, patient_journeys.created_at) >= (SELECT app.window_bound('holdout_from')) ELSE true END)
    WITH CHECK (patient_journeys.tenant_id = (SELECT app.current_tenant()) AND patient_journeys.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY tenant_members ON patient_journeys AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE treatment_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE treatment_events FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON treatment_events AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (treatment_events.tenant_id = (SELECT app.current_tenant()) AND treatment_events.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])) AND CASE WHEN (treatment_events.split_assignment = 'train') THEN (CAST(treatment_events.event_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') < (SELECT app.window_bound('train_until')) WHEN (treatment_events.split_assignment = 'validation') THEN (CAST(treatment_events.event_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') >= (SELECT app.window_bound('validation_from')) AND (CAST(treatment_events.event_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') < (SELECT app.window_bound('validation_until')) WHEN (treatment_events.split_assignment = 'test') THEN (CAST(treatment_events.event_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') >= (SELECT app.window_bound('test_from')) AND (CAST(treatment_events.event_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') < (SELECT app.window_bound('test_until')) WHEN (treatment_events.split_assignment = 'holdout') THEN (CAST(treatment_events.event_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE 'UTC') >= (SELECT app.window_bound('holdout_from')) ELSE true END)
    WITH CHECK (treatment_events.tenant_id = (SELECT app.current_tenant()) AND treatment_events.split_assignment = any(CAST((SELECT app.current_splits())::text[] AS TEXT[])));

CREATE POLICY tenant_members ON treatment_events AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
