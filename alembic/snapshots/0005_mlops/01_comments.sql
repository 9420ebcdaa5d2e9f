COMMENT ON TYPE model_stage_enum IS 'Stage in the life of a registered model.';
