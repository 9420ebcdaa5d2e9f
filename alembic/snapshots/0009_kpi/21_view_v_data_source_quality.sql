-- Data sources in use with their quality score (app.data_quality_score), NULL where a part is unknown, and a tier by
-- coverage and completeness alone; unknown ones are Poor. Highest score first, and unknown scores before them.
-- Reads data_sources, which is the same for every tenant.
CREATE VIEW v_data_source_quality WITH (security_invoker = true) AS
SELECT
    d.source_id,
    d.source_name,
    d.source_type,
    app.data_quality_score(d.coverage_percent, d.completeness_score, d.freshness_days, d.match_rate) AS quality_score,
    d.coverage_percent,
    d.completeness_score,
    d.freshness_days,
    d.match_rate,
    CASE
        WHEN d.coverage_percent >= 90 AND d.completeness_score >= 0.95 THEN 'Excellent'
        WHEN d.coverage_percent >= 80 AND d.completeness_score >= 0.90 THEN 'Good'
        WHEN d.coverage_percent >= 70 AND d.completeness_score >= 0.85 THEN 'Fair'
        ELSE 'Poor'
    END AS quality_tier
FROM data_sources AS d
WHERE d.is_active
ORDER BY
    quality_score DESC NULLS FIRST,
    d.source_id;

COMMENT ON VIEW v_data_source_quality IS 'Quality score and tier of the data sources in use';
COMMENT ON COLUMN v_data_source_quality.quality_score IS '14 to 100, NULL where a part is unknown';
COMMENT ON COLUMN v_data_source_quality.quality_tier IS 'Excellent, Good, Fair or Poor';
