COMMENT ON TYPE priority_type IS 'How soon something wants attention; declared from the most to the least urgent, which is how it sorts.';
COMMENT ON TYPE prediction_type IS 'What a score is about.';
COMMENT ON TYPE shap_analysis_type IS 'What a SHAP analysis explains, and when.';
