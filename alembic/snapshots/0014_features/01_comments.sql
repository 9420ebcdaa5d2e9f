COMMENT ON TYPE feature_data_type IS 'What the values of a feature are; a value of another type is refused when it is written.';
COMMENT ON TYPE feature_status IS 'Life of a feature: from draft to active to deprecated; archived from anywhere, and for ever.';
COMMENT ON TYPE feature_value_status IS 'Where a value stands: whether it is the newest of its feature and entity, and how old it is.';
