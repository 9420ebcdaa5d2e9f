COMMENT ON TYPE source_type_enum IS 'Kind of data that a source delivers.';
