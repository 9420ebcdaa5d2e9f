-- Trigger of health_scores, AFTER any change: keeps customers.health_score, and is all that does. It is the overall of
-- the customer's newest score (calculated_at descending, a row without a time last, then id), and the column's default
-- of 50 once the last score is gone. Runs with the rights of its owner, since sessions may not write the column; the
-- policies of customers hold for the owner, too: where they hide the customer, as from a superuser without a scope,
-- the score is refused rather than stored without effect. Writers of scores of one customer take turns: the customer is
-- locked before the newest is looked for, so that the later one sees what the earlier one has written.
CREATE FUNCTION app.keep_customer_score() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_customer record;
BEGIN
    FOR v_customer IN
        SELECT DISTINCT t.tenant_id, t.id
          FROM (VALUES (OLD.tenant_id, OLD.customer_id), (NEW.tenant_id, NEW.customer_id)) AS t (tenant_id, id)
         WHERE t.id IS NOT NULL
         ORDER BY t.id
    LOOP
        PERFORM
           FROM customers AS c
          WHERE c.tenant_id = v_customer.tenant_id AND c.id = v_customer.id
            FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The score of customer % cannot be kept: the customer is out of sight', v_customer.id
                USING ERRCODE = 'insufficient_privilege',
                      TABLE = 'customers',
                      HINT = 'Open a scope of its tenant, for its manager or an administrator, and write in it.';
        END IF;
        UPDATE customers AS c
           SET health_score = newest.score
          FROM (
              SELECT coalesce(
                         (SELECT s.overall
                            FROM health_scores AS s
                           WHERE s.tenant_id = v_customer.tenant_id AND s.customer_id = v_customer.id
                           ORDER BY s.calculated_at DESC NULLS LAST, s.id
                           LIMIT 1),
                         50
                     ) AS score
          ) AS newest
         WHERE c.tenant_id = v_customer.tenant_id
           AND c.id = v_customer.id
           AND c.health_score IS DISTINCT FROM newest.score;
    END LOOP;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION app.keep_customer_score() IS
    'Trigger function: customers.health_score is the overall of the newest health_scores row';
