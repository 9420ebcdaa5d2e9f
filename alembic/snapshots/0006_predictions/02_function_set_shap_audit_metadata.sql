-- Trigger of ml_shap_analyses, BEFORE INSERT of a real-time explanation: fills request_timestamp with the time of
-- the transaction and explanation_id with EXPL-<day of the request, UTC>-<8 random hexadecimal digits>, each where it
-- is missing. Digits drawn twice on one day are refused by the unique constraint.
CREATE FUNCTION set_shap_audit_metadata() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.request_timestamp := coalesce(NEW.request_timestamp, now());
    NEW.explanation_id := coalesce(
        NEW.explanation_id,
        format(
            'EXPL-%s-%s',
            to_char(NEW.request_timestamp AT TIME ZONE 'UTC', 'YYYYMMDD'),
            -- The first eight digits of a random UUID are random; its version comes later.
            left(gen_random_uuid()::text, 8)
        )
    );
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION set_shap_audit_metadata() IS
    'Trigger function: gives a real-time explanation its identifier and time of request';
