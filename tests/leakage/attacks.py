"""What somebody tries who can run any SQL as the role of sessions: an injection, a raw cursor, a console.

The filter never sees any of it: the wall alone must hold. An attack is a list of statements; the rows of the last one
are what was learnt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leakage.world import FOREIGN, OWN


@dataclass(frozen=True)
class Attack:
    """Statements, run one after the other in the transaction of an open scope.

    :ivar name: unique.
    :ivar statements: SQL; the last one gives the answer.
    :ivar refused: SQLSTATE with which PostgreSQL refuses it; None where it answers, and the answer must be the truth.
    """

    name: str
    statements: tuple[str, ...]
    refused: str | None = None


def _attack(name: str, *statements: str, refused: str | None = None) -> Attack:
    return Attack(name, statements, refused)


_NOT_ALLOWED: Final = "42501"

READS: Final = (
    _attack("select", "SELECT id FROM patient_journeys"),
    _attack("table_command", "TABLE hcp_profiles"),
    _attack("foreign_tenant_asked_for", f"SELECT count(*) FROM hcp_profiles WHERE tenant_id = '{FOREIGN}' OR true"),
    _attack("union_injected", "SELECT brand FROM patient_journeys UNION ALL SELECT hcp_id FROM hcp_profiles"),
    _attack("whole_rows", "SELECT to_jsonb(t) FROM treatment_events AS t"),
    _attack("all_columns_as_text", "SELECT t::text FROM triggers AS t"),
    _attack("table_in_a_comment", 'SELECT/**/count(*)FROM/**/"ml_predictions"'),
    _attack("stacked_in_one_block", "SELECT count(*) FROM (SELECT 1 FROM patient_journeys) AS x"),
    _attack("cursor", "DECLARE c CURSOR FOR SELECT id FROM patient_journeys", "FETCH ALL FROM c"),
    _attack(
        "scrolled_cursor",
        "DECLARE c SCROLL CURSOR FOR TABLE hcp_profiles",
        "MOVE ALL FROM c",
        "FETCH BACKWARD ALL FROM c",
    ),
    _attack(
        "words_of_search_vectors",
        "SELECT word, ndoc FROM ts_stat('SELECT search_vector FROM agent_activities') ORDER BY word, ndoc",
    ),
    _attack("sampled", "SELECT count(*) FROM patient_journeys TABLESAMPLE SYSTEM (100)"),
    _attack("only", "SELECT count(*) FROM ONLY patient_journeys"),
    _attack("locked", "SELECT id FROM patient_journeys FOR UPDATE"),
    _attack(
        "in_a_block",
        ("DO $$ BEGIN PERFORM set_config('x.counted', (SELECT count(*)::text FROM hcp_profiles), true); END $$"),
        "SELECT current_setting('x.counted')",
    ),
    _attack(
        "explained_as_json", "SELECT count(*) FROM patient_journeys AS a JOIN patient_journeys AS b USING (patient_id)"
    ),
    _attack("role_reset", "RESET ROLE", "SELECT count(*) FROM hcp_profiles"),
    _attack("authorisation_reset", "RESET SESSION AUTHORIZATION", "SELECT count(*) FROM patient_journeys"),
    _attack(
        "query_rewritten_from_rows",
        "SELECT ts_rewrite('risk'::tsquery, 'SELECT ''risk''::tsquery, to_tsquery(''simple'', max(tenant_id)) "
        "FROM hcp_profiles')",
    ),
    _attack("held_cursor", "DECLARE held CURSOR WITH HOLD FOR SELECT hcp_id FROM hcp_profiles", "FETCH ALL FROM held"),
    _attack(
        "opened_by_a_function",
        "DO $$ DECLARE c CURSOR FOR SELECT 1 FROM patient_journeys; n int := 0; BEGIN FOR r IN c LOOP n := n + 1;"
        " END LOOP; PERFORM set_config('x.counted', n::text, true); END $$",
        "SELECT current_setting('x.counted')",
    ),
    _attack("after_a_savepoint", "SAVEPOINT s", "ROLLBACK TO SAVEPOINT s", "SELECT count(*) FROM hcp_profiles"),
    # -- errors as oracles: what is evaluated before the policy would speak of hidden rows
    _attack(
        "division_by_the_hidden",
        f"SELECT count(*) FROM hcp_profiles WHERE 1 / CASE WHEN tenant_id = '{FOREIGN}' THEN 0 ELSE 1 END = 0",
    ),
    _attack(
        "cast_of_the_hidden",
        f"SELECT count(*) FROM hcp_profiles WHERE CASE WHEN tenant_id = '{OWN}' THEN 0 ELSE hcp_id::integer END = 1",
    ),
    _attack(
        "cast_of_a_closed_split",
        "SELECT count(*) FROM patient_journeys"
        " WHERE CASE WHEN split_assignment IN ('test', 'holdout') THEN patient_id::integer ELSE 0 END = 1",
    ),
)
"""Answered, and what is answered is what the scope may see."""

REFUSALS: Final = (
    _attack("temporary_copy", "CREATE TEMP TABLE stolen AS TABLE patient_journeys", refused=_NOT_ALLOWED),
    _attack("select_into", "SELECT * INTO stolen FROM patient_journeys", refused=_NOT_ALLOWED),
    _attack("materialised", "CREATE MATERIALIZED VIEW stolen AS TABLE patient_journeys", refused=_NOT_ALLOWED),
    _attack("view_of_its_own", "CREATE VIEW stolen AS TABLE patient_journeys", refused=_NOT_ALLOWED),
    _attack(
        "function_of_its_own",
        "CREATE FUNCTION spy(t text) RETURNS boolean LANGUAGE sql COST 0.0000001 AS 'SELECT true'",
        refused=_NOT_ALLOWED,
    ),
    _attack(
        "function_for_the_session",
        "CREATE FUNCTION pg_temp.spy(t text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        refused=_NOT_ALLOWED,
    ),
    _attack("statistics_of_columns", "SELECT starelid FROM pg_statistic", refused=_NOT_ALLOWED),
    _attack("samples_of_extended_statistics", "SELECT stxoid FROM pg_statistic_ext_data", refused=_NOT_ALLOWED),
    _attack("numbers_that_were_given", "SELECT last_value FROM playbook_playbook_id_seq", refused=_NOT_ALLOWED),
    _attack("next_number", "SELECT nextval('playbook_playbook_id_seq')", refused=_NOT_ALLOWED),
    _attack("numbers_of_another_session", "SELECT currval('playbook_playbook_id_seq')", refused=_NOT_ALLOWED),
    _attack("copied_in", "COPY hcp_profiles (tenant_id, hcp_id) FROM PROGRAM 'echo'", refused=_NOT_ALLOWED),
    _attack("authorisation", "SET SESSION AUTHORIZATION hedgerow_owner", refused=_NOT_ALLOWED),
    _attack(
        "event_trigger", "CREATE EVENT TRIGGER spy ON ddl_command_end EXECUTE FUNCTION now()", refused=_NOT_ALLOWED
    ),
    _attack("security_off", "SET LOCAL row_security = off", "SELECT * FROM patient_journeys", refused=_NOT_ALLOWED),
    _attack("become_the_owner", "SET ROLE hedgerow_owner", refused=_NOT_ALLOWED),
    _attack("become_another", "SET SESSION AUTHORIZATION postgres", refused=_NOT_ALLOWED),
    _attack("replication_role", "SET LOCAL session_replication_role = replica", refused=_NOT_ALLOWED),
    _attack("no_security", "ALTER TABLE patient_journeys DISABLE ROW LEVEL SECURITY", refused=_NOT_ALLOWED),
    _attack("no_force", "ALTER TABLE patient_journeys NO FORCE ROW LEVEL SECURITY", refused=_NOT_ALLOWED),
    _attack("no_policy", "DROP POLICY tenant_isolation ON patient_journeys", refused=_NOT_ALLOWED),
    _attack("policy_of_its_own", "CREATE POLICY mine ON patient_journeys USING (true)", refused=_NOT_ALLOWED),
    _attack("no_trigger", "ALTER TABLE ml_split_access_log DISABLE TRIGGER ALL", refused=_NOT_ALLOWED),
    _attack("truncated", "TRUNCATE hcp_intent_surveys", refused=_NOT_ALLOWED),
    _attack("file_of_the_server", "SELECT pg_read_file('PG_VERSION')", refused=_NOT_ALLOWED),
    _attack("file_written", "COPY patient_journeys TO '/tmp/stolen'", refused=_NOT_ALLOWED),
    _attack("program", "COPY patient_journeys TO PROGRAM 'cat'", refused=_NOT_ALLOWED),
    _attack("large_object_from_a_file", "SELECT lo_import('/etc/passwd')", refused=_NOT_ALLOWED),
    _attack(
        "large_object_for_others",
        "SELECT lo_from_bytea(0, string_agg(patient_id, ',')::bytea) FROM patient_journeys",
        refused=_NOT_ALLOWED,
    ),
    _attack("opening_taken_back", "DELETE FROM app.split_opening", refused=_NOT_ALLOWED),
    _attack("opening_forged", "UPDATE app.split_opening SET splits = '{test,holdout}'", refused=_NOT_ALLOWED),
    _attack("budget_raised", "UPDATE app.holdout_budget SET openings = 1000000", refused=_NOT_ALLOWED),
    _attack("turn_of_another_tenant", f"SELECT app.take_turn('{FOREIGN}', 'opening', '')", refused=_NOT_ALLOWED),
    _attack("scope_issued_by_itself", f"SELECT app.issue_scope('{FOREIGN}', NULL, '{{train}}')", refused=_NOT_ALLOWED),
    _attack("signature_asked_for", "SELECT app.sealed('whatever')", refused=_NOT_ALLOWED),
    _attack("key_read", "SELECT * FROM app.scope_key", refused=_NOT_ALLOWED),
    _attack("functions_of_the_owner", "ALTER FUNCTION app.current_tenant() STABLE", refused=_NOT_ALLOWED),
    _attack(
        "reader_of_the_scope_replaced",
        "CREATE OR REPLACE FUNCTION app.current_tenant() RETURNS text LANGUAGE sql AS 'SELECT ''x'''",
        refused=_NOT_ALLOWED,
    ),
    _attack("tenant_changed", f"UPDATE hcp_profiles SET tenant_id = '{FOREIGN}'", refused=_NOT_ALLOWED),
    _attack("split_changed", "UPDATE patient_journeys SET split_assignment = 'train'", refused=_NOT_ALLOWED),
    _attack(
        "mutation_of_a_patients_split",
        "UPDATE ml_patient_split_assignments SET assigned_split = 'train'",
        refused=_NOT_ALLOWED,
    ),
    # -- a key is no oracle: a foreign row is refused alike, whether its key is taken or not
    _attack(
        "key_that_is_taken",
        f"INSERT INTO hcp_profiles (tenant_id, hcp_id) VALUES ('{FOREIGN}', (SELECT min(hcp_id) FROM hcp_profiles))",
        refused=_NOT_ALLOWED,
    ),
    _attack(
        "key_that_is_free",
        f"INSERT INTO hcp_profiles (tenant_id, hcp_id) VALUES ('{FOREIGN}', 'nobody')",
        refused=_NOT_ALLOWED,
    ),
    _attack(
        "merged",
        f"MERGE INTO hcp_profiles AS t USING (SELECT 'nobody' AS hcp_id) AS s ON t.hcp_id = s.hcp_id"
        f" WHEN NOT MATCHED THEN INSERT (tenant_id, hcp_id) VALUES ('{FOREIGN}', s.hcp_id)",
        refused=_NOT_ALLOWED,
    ),
)
"""Refused by PostgreSQL."""

COUNTED: Final = (
    _attack("rows_as_the_planner_knows_them", "SELECT reltuples FROM pg_class WHERE relname = 'hcp_profiles'"),
    _attack(
        "rows_as_statistics_count_them", "SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'hcp_profiles'"
    ),
    _attack("size_of_the_table", "SELECT pg_relation_size('hcp_profiles')"),
)
"""What no policy covers: how many rows a table has, over all tenants."""

MET: Final = (
    _attack(
        "row_whose_children_are_hidden",
        "DELETE FROM patient_journeys WHERE id NOT IN (SELECT patient_journey_id FROM treatment_events"
        " WHERE patient_journey_id IS NOT NULL)",
    ),
    _attack(
        "key_that_is_taken_in_a_closed_split",
        "INSERT INTO triggers (trigger_id, patient_id, trigger_timestamp)"
        " SELECT 'TRG-' || lpad(n::text, 8, '0') || '-1', min(patient_id), '2024-01-01'"
        " FROM generate_series(1, 40) AS n, triggers WHERE split_assignment = 'train' GROUP BY n"
        " ON CONFLICT DO NOTHING",
    ),
)
"""Keys hold for every row of a tenant, seen or not: whoever writes one learns that it is taken, or referred to."""

HINDERED: Final = _attack("table_locked", "LOCK TABLE hcp_profiles IN ACCESS EXCLUSIVE MODE")
"""Who may change a table may lock it, for other tenants too."""

REMEDY: Final = """\
DO $$ BEGIN
    REVOKE SELECT ON pg_catalog.pg_class, pg_catalog.pg_stat_all_tables, pg_catalog.pg_stat_user_tables FROM PUBLIC;
    EXECUTE (SELECT 'GRANT SELECT (' || string_agg(quote_ident(attname), ', ') || ') ON pg_catalog.pg_class TO PUBLIC'
               FROM pg_attribute
              WHERE attrelid = 'pg_catalog.pg_class'::regclass AND attnum > 0
                AND attname NOT IN ('reltuples', 'relpages', 'relallvisible', 'relallfrozen'));
    REVOKE EXECUTE ON FUNCTION pg_relation_size(regclass), pg_relation_size(regclass, text), pg_table_size(regclass),
        pg_total_relation_size(regclass), pg_indexes_size(regclass), pg_stat_get_live_tuples(oid),
        pg_stat_get_dead_tuples(oid), pg_stat_get_tuples_inserted(oid) FROM PUBLIC;
END $$;
"""
"""Grants that close what is counted in one database; a superuser runs them."""
