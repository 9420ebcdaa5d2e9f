-- Per row of source tracking, the share of received records that matched: 0 where nothing was received or nobody
-- counted, NULL where the matches were not counted. Reads data_source_tracking.
CREATE VIEW v_kpi_source_tracking_match WITH (security_invoker = true) AS
SELECT
    t.tracking_date,
    t.source_name,
    t.records_received,
    t.records_matched,
    CASE
        WHEN t.records_received > 0 THEN t.records_matched::numeric / t.records_received
        ELSE 0
    END AS match_rate
FROM data_source_tracking AS t
WHERE t.tenant_id = (SELECT app.current_tenant());

COMMENT ON VIEW v_kpi_source_tracking_match IS 'Share of received records that matched, per day and tracked source';
COMMENT ON COLUMN v_kpi_source_tracking_match.match_rate IS '0 to 1';
