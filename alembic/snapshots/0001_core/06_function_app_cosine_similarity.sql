-- Cosine of the angle between two embeddings, from -1 (opposite) to 1 (the same direction), in full precision. NULL for
-- NULL and for a zero vector, which has no direction: pgvector gives NaN, and NaN is greater than any threshold. Of unit
-- vectors, since the squares of large numbers overflow. Reads nothing.
CREATE FUNCTION app.cosine_similarity(p_one vector, p_other vector) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    CASE
        WHEN vector_norm(p_one) > 0 AND vector_norm(p_other) > 0
            THEN 1 - (l2_normalize(p_one) <=> l2_normalize(p_other))
    END
);

COMMENT ON FUNCTION app.cosine_similarity(vector, vector) IS
    'Cosine of the angle between two embeddings, -1 to 1; NULL where one has no direction';
