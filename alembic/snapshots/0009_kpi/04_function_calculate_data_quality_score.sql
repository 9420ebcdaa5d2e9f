-- Quality score of one source, in use or not, by the formula of v_data_source_quality. NULL when the source is unknown
-- or one of its figures is: 0 would read as a bad source. Reads data_sources, which is the same for every tenant.
CREATE FUNCTION calculate_data_quality_score(p_source_id text) RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (
    SELECT app.data_quality_score(d.coverage_percent, d.completeness_score, d.freshness_days, d.match_rate)
      FROM data_sources AS d
     WHERE d.source_id = p_source_id
);

COMMENT ON FUNCTION calculate_data_quality_score(text) IS
    'Quality score of a data source, 14 to 100; NULL when the source or one of its figures is unknown';
