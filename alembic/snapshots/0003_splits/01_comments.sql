COMMENT ON TYPE data_split_type IS 'Partition of patients that must never mix; unassigned is for rows without a patient.';
COMMENT ON TYPE split_strategy_type IS 'How a configuration divides the data; all but one add date boundaries to the patient''s split.';
