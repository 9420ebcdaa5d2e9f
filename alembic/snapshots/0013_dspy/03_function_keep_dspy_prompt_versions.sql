-- Trigger of dspy_prompt_templates, BEFORE INSERT OR UPDATE. A new template gets the next version of its agent and
-- module; one that names its version must name that. A stored version keeps its text, variables and place. One that
-- becomes active takes the flag from the one that was, so that activating is one statement; nobody else is active
-- when the row arrives, and the unique index is content. Writers of one module take turns until their transactions
-- end, so a version that is rolled back is given again and leaves no gap. Under REPEATABLE READ the later of two
-- writers meets the unique key instead, and repeats its transaction.
CREATE FUNCTION keep_dspy_prompt_versions() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    v_next integer;
    v_taken integer;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.agent_name, NEW.module_name, NEW.template_version, NEW.template_content, NEW.variables)
           IS DISTINCT FROM
           (OLD.agent_name, OLD.module_name, OLD.template_version, OLD.template_content, OLD.variables) THEN
            RAISE EXCEPTION 'Version % of the prompt of %/% is stored and cannot change',
                            OLD.template_version, OLD.agent_name, OLD.module_name
                USING ERRCODE = 'invalid_parameter_value',
                      TABLE = TG_TABLE_NAME,
                      HINT = 'Insert another template: it becomes the next version.';
        ELSIF OLD.is_active OR NOT NEW.is_active THEN
            RETURN NEW;
        END IF;
    ELSE
        SELECT t.template_version
          INTO v_taken
          FROM dspy_prompt_templates AS t
         WHERE t.tenant_id = NEW.tenant_id
           AND (
               t.template_id = NEW.template_id
               OR t.module_name = NEW.module_name
              AND t.agent_name = NEW.agent_name
              AND t.template_version = NEW.template_version
           )
         LIMIT 1;
        IF FOUND THEN
            -- No row will be inserted: ON CONFLICT DO NOTHING must not deactivate anything, and a key says the rest.
            NEW.template_version := coalesce(NEW.template_version, v_taken);
            NEW.activated_at := coalesce(NEW.activated_at, now());
            RETURN NEW;
        END IF;
    END IF;

    PERFORM app.take_turn(NEW.tenant_id, 'dspy_prompt_templates', NEW.agent_name::text, NEW.module_name);
    IF TG_OP = 'INSERT' THEN
        SELECT coalesce(max(t.template_version), 0) + 1
          INTO v_next
          FROM dspy_prompt_templates AS t
         WHERE t.tenant_id = NEW.tenant_id
           AND t.module_name = NEW.module_name
           AND t.agent_name = NEW.agent_name;
        IF NEW.template_version <> v_next THEN
            RAISE EXCEPTION 'Version % of the prompt of %/% would leave a gap: the next one is %',
                            NEW.template_version, NEW.agent_name, NEW.module_name, v_next
                USING ERRCODE = 'invalid_parameter_value',
                      TABLE = TG_TABLE_NAME,
                      HINT = 'Leave template_version out: the next one is given.';
        END IF;
        NEW.template_version := v_next;
    END IF;
    IF NEW.is_active THEN
        UPDATE dspy_prompt_templates AS t
           SET is_active = false
         WHERE t.tenant_id = NEW.tenant_id
           AND t.module_name = NEW.module_name
           AND t.agent_name = NEW.agent_name
           AND t.is_active
           AND t.template_id <> NEW.template_id;
        IF TG_OP = 'INSERT' THEN
            NEW.activated_at := coalesce(NEW.activated_at, now());
        ELSIF NEW.activated_at IS NOT DISTINCT FROM OLD.activated_at THEN
            NEW.activated_at := now();
        END IF;
    END IF;
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION keep_dspy_prompt_versions() IS
    'Trigger function: numbers the versions of a prompt without gaps, keeps them, and leaves one of them active';
