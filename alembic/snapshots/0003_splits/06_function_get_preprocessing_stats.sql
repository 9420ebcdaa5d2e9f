-- One row per feature of a configuration's preprocessing metadata. Keys that are missing in the other objects give
-- NULL; an unknown configuration gives no row; text that is not a number raises a cast error.
CREATE FUNCTION get_preprocessing_stats(p_split_config_id uuid)
RETURNS TABLE (feature_name text, mean_value numeric, std_value numeric, min_value numeric, max_value numeric)
LANGUAGE sql STABLE AS $$
    SELECT mean.key,
           (mean.value)::numeric,
           (m.feature_stds ->> mean.key)::numeric,
           (m.feature_mins ->> mean.key)::numeric,
           (m.feature_maxs ->> mean.key)::numeric
      FROM ml_preprocessing_metadata AS m,
           jsonb_each_text(m.feature_means) AS mean
     WHERE m.tenant_id = (SELECT app.current_tenant()) AND m.split_config_id = p_split_config_id
     ORDER BY mean.key;
$$;

COMMENT ON FUNCTION get_preprocessing_stats(uuid) IS 'Mean, standard deviation, minimum and maximum of each feature';
