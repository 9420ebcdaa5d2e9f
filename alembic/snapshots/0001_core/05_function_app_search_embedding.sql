-- What similarity search compares: the unit vector of an embedding, then the 32 signs of the tenant's MD5 as another
-- unit vector, in half precision. Among the rows of one tenant the order by cosine distance is that of the embeddings,
-- since the second part is the same; the rows of another tenant are further away by about as much as unrelated
-- embeddings are. So a search through an index over all tenants starts where the tenant's own rows are, instead of
-- wading through nearer ones that it must not show: the index finds what one over the own rows alone would find.
-- NULL for NULL and for a zero vector, which has no direction. Reads nothing.
-- Stored values were computed by it: a revision that changes it must compute them anew.
CREATE FUNCTION app.search_embedding(p_tenant text, p_embedding vector) RETURNS halfvec
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    CASE
        WHEN vector_norm(p_embedding) > 0
            THEN (
                l2_normalize(p_embedding)
                || l2_normalize(
                    (
                        '['
                        || rtrim(
                            regexp_replace(
                                translate(md5(p_tenant), '0123456789abcdef', '0000000011111111'), '(.)', '\1,', 'g'
                            ),
                            ','
                        )
                        || ']'
                    )::vector
                    - array_fill(0.5::real, ARRAY[32])::vector
                )
            )::halfvec
    END
);

COMMENT ON FUNCTION app.search_embedding(text, vector) IS
    'What similarity search compares: unit vector of an embedding and signature of its tenant, in half precision';
