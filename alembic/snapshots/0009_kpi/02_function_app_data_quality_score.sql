-- The one formula of a source's quality, 14 to 100: 30 points for coverage (percent), 30 for completeness (0 to 1),
-- 20 for freshness, of which thirty days or more take 6 away, and 20 for the match rate (0 to 1). NULL when a part is
-- NULL.
CREATE FUNCTION app.data_quality_score(
    p_coverage_percent numeric,
    p_completeness_score numeric,
    p_freshness_days integer,
    p_match_rate numeric
)
RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN round(
    p_coverage_percent * 0.3
    + p_completeness_score * 100 * 0.3
    + (100 - least(p_freshness_days, 30)) * 0.2
    + p_match_rate * 100 * 0.2,
    2
);

COMMENT ON FUNCTION app.data_quality_score(numeric, numeric, integer, numeric) IS
    'Quality of a data source, 14 to 100, from coverage, completeness, freshness and match rate';
