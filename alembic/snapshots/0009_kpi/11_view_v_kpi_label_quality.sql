-- Per annotation type: agreement groups, annotations, mean confidence of those that state one, and the share that was
-- adjudicated (NULL counts as not). Whether annotators agree is not measured, despite the name. Reads ml_annotations.
CREATE VIEW v_kpi_label_quality WITH (security_invoker = true) AS
SELECT
    a.annotation_type,
    count(DISTINCT a.iaa_group_id) AS annotation_groups,
    count(*) AS total_annotations,
    avg(a.annotation_confidence) AS avg_confidence,
    count(*) FILTER (WHERE a.is_adjudicated)::numeric / count(*) AS adjudication_rate
FROM ml_annotations AS a
WHERE a.tenant_id = (SELECT app.current_tenant())
GROUP BY a.annotation_type;

COMMENT ON VIEW v_kpi_label_quality IS 'Volume, confidence and adjudication of annotations, per type';
COMMENT ON COLUMN v_kpi_label_quality.annotation_groups IS 'Distinct groups that several annotators labelled';
COMMENT ON COLUMN v_kpi_label_quality.avg_confidence IS '0 to 1';
COMMENT ON COLUMN v_kpi_label_quality.adjudication_rate IS '0 to 1';
