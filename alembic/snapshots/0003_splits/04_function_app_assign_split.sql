-- Split of a patient by the rule: MD5 of the UTF-8 id as a 128-bit integer, as a share of 2^128, against the
-- running sums of the ratios. Half-open: a share that equals a bound belongs to the next split. All arithmetic is
-- numeric and hence exact; hedgerow.splits.assignment.assign is the same rule in Python.
CREATE FUNCTION app.assign_split(p_patient_id text, p_train numeric, p_validation numeric, p_test numeric)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT CASE
               WHEN share < p_train * whole THEN 'train'
               WHEN share < (p_train + p_validation) * whole THEN 'validation'
               WHEN share < (p_train + p_validation + p_test) * whole THEN 'test'
               ELSE 'holdout'
           END
      FROM (
          SELECT ('x' || substr(hash, 1, 8))::bit(32)::bigint::numeric * 79228162514264337593543950336
               + ('x' || substr(hash, 9, 8))::bit(32)::bigint::numeric * 18446744073709551616
               + ('x' || substr(hash, 17, 8))::bit(32)::bigint::numeric * 4294967296
               + ('x' || substr(hash, 25, 8))::bit(32)::bigint::numeric AS share,
                 340282366920938463463374607431768211456 AS whole
            FROM md5(p_patient_id) AS hash
      ) AS hashed
);

COMMENT ON FUNCTION app.assign_split(text, numeric, numeric, numeric) IS
    'Split of a patient by the hash rule and the given ratios';
