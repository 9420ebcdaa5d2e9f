CREATE TRIGGER keep_versions BEFORE INSERT OR UPDATE ON dspy_prompt_templates
    FOR EACH ROW EXECUTE FUNCTION keep_dspy_prompt_versions();

CREATE TRIGGER guard_life_cycle BEFORE INSERT OR UPDATE ON dspy_optimization_runs
    FOR EACH ROW EXECUTE FUNCTION guard_dspy_run();
