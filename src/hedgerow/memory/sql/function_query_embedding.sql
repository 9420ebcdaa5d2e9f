-- What a search of the tenant in scope compares rows with: NULL, which finds nothing, for NULL and for a zero vector
-- (its similarity to anything is NaN, and NaN is greater than any threshold). Raises for another length than that of
-- the stored embeddings, also where there is no row to compare with. Reads nothing.
CREATE FUNCTION app.query_embedding(p_embedding vector) RETURNS halfvec
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF vector_dims(p_embedding) <> 1536 THEN
        RAISE EXCEPTION 'A query embedding has 1536 dimensions, not %', vector_dims(p_embedding)
            USING ERRCODE = 'data_exception',
                  HINT = 'Embed the question with the model that the stored embeddings come from.';
    END IF;
    RETURN app.search_embedding(app.current_tenant(), p_embedding);
END;
$$;

COMMENT ON FUNCTION app.query_embedding(vector) IS
    'What a search compares rows with; NULL for NULL and for a zero vector, an error for another length';
