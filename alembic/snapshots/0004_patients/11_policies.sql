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
    USING (patient_journeys.tenant_id = (SELECT app.current_tenant()) AND CASE WHEN (coalesce(CAST(patient_journeys.journey_start_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE INTERVAL '0', patient_journeys.source_timestamp, patient_journeys.created_at) <@ ((SELECT app.current_windows()))[hashtext(patient_journeys.tenant_id) >> 1][CAST(hashtextextended(patient_journeys.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (patient_journeys.split_assignment = 'train') THEN 2 WHEN (patient_journeys.split_assignment = 'test') THEN 4 WHEN (patient_journeys.split_assignment = 'validation') THEN 3 WHEN (patient_journeys.split_assignment = 'holdout') THEN 5 WHEN (patient_journeys.split_assignment = 'unassigned') THEN 1 ELSE NULL END]) THEN true END IS NOT NULL)
    WITH CHECK (patient_journeys.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(patient_journeys.tenant_id) >> 1][CAST(hashtextextended(patient_journeys.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (patient_journeys.split_assignment = 'train') THEN 2 WHEN (patient_journeys.split_assignment = 'test') THEN 4 WHEN (patient_journeys.split_assignment = 'validation') THEN 3 WHEN (patient_journeys.split_assignment = 'holdout') THEN 5 WHEN (patient_journeys.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON patient_journeys AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);

ALTER TABLE treatment_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE treatment_events FORCE ROW LEVEL SECURITY;

CREATE POLICY tenant_isolation ON treatment_events AS RESTRICTIVE FOR ALL TO PUBLIC
    USING (treatment_events.tenant_id = (SELECT app.current_tenant()) AND CASE WHEN ((CAST(treatment_events.event_date AS TIMESTAMP WITHOUT TIME ZONE) AT TIME ZONE INTERVAL '0') <@ ((SELECT app.current_windows()))[hashtext(treatment_events.tenant_id) >> 1][CAST(hashtextextended(treatment_events.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (treatment_events.split_assignment = 'train') THEN 2 WHEN (treatment_events.split_assignment = 'test') THEN 4 WHEN (treatment_events.split_assignment = 'validation') THEN 3 WHEN (treatment_events.split_assignment = 'holdout') THEN 5 WHEN (treatment_events.split_assignment = 'unassigned') THEN 1 ELSE NULL END]) THEN true END IS NOT NULL)
    WITH CHECK (treatment_events.tenant_id = (SELECT app.current_tenant()) AND ((SELECT app.current_windows()))[hashtext(treatment_events.tenant_id) >> 1][CAST(hashtextextended(treatment_events.tenant_id, 0) >> 33 AS INTEGER)][CASE WHEN (treatment_events.split_assignment = 'train') THEN 2 WHEN (treatment_events.split_assignment = 'test') THEN 4 WHEN (treatment_events.split_assignment = 'validation') THEN 3 WHEN (treatment_events.split_assignment = 'holdout') THEN 5 WHEN (treatment_events.split_assignment = 'unassigned') THEN 1 ELSE NULL END] IS NOT NULL);

CREATE POLICY tenant_members ON treatment_events AS PERMISSIVE FOR ALL TO PUBLIC
    USING (true)
    WITH CHECK (true);
