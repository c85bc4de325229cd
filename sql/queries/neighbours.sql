-- due --
-- Models with enough vectors, where functions have been made since the lists were, or some have a new vector; none past what a list
-- can name. And those that have lists, however few vectors are left: what is not listed is copied, until it is.
SELECT m.id, m.dimension
FROM agentforge.embedding_models AS m
JOIN pg_class AS c ON c.oid = to_regclass(format('agentforge.%%I', 'function_embeddings_' || m.id))
CROSS JOIN pg_sequence_last_value('agentforge.functions_id_seq') AS last_id
WHERE last_id <= %(largest_id)s
  AND (c.reltuples >= %(rows)s OR m.listed_up_to > 0 OR EXISTS (
      SELECT FROM agentforge.function_neighbours AS n WHERE n.model_id = m.id))
  AND (last_id > m.listed_up_to
       OR EXISTS (
           SELECT FROM agentforge.function_neighbours AS n
           WHERE n.model_id = m.id AND (n.neighbours IS NULL OR n.neighbours = '{}'))
       OR NOT EXISTS (SELECT FROM agentforge.function_embeddings AS e WHERE e.model_id = m.id))
ORDER BY m.id;

-- wait_for_writers --
-- Until the end of the transaction nobody writes functions or their vectors, so it should end at once. Whoever had made ids or
-- changed a vector has committed.
LOCK TABLE agentforge.functions, agentforge.function_embeddings IN SHARE MODE;

-- begin --
-- The vectors that were marked are dealt with now; those that are marked from here on are for the next time. A row of the last id
-- makes the trigger mark each vector up to it that is written, whether or not a function has that id.
WITH marked AS (
    UPDATE agentforge.function_neighbours SET neighbours = '{}' WHERE model_id = %(model_id)s AND neighbours IS NULL
)
INSERT INTO agentforge.function_neighbours (model_id, function_id, neighbours)
VALUES (%(model_id)s, %(up_to)s, '{}')
ON CONFLICT (model_id, function_id) DO NOTHING;

-- last_id --
-- The youngest function, of any model or none; what is listed stays so.
SELECT greatest(m.listed_up_to, pg_sequence_last_value('agentforge.functions_id_seq'))
FROM agentforge.embedding_models AS m WHERE m.id = %(model_id)s;

-- new_vectors --
-- Whether a function with a complete vector is younger than the lists, or was marked. What lacks meaning is in no list: it is
-- marked when it is filled in.
SELECT EXISTS (
    SELECT FROM agentforge.function_embeddings AS e JOIN agentforge.embedding_models AS m ON m.id = e.model_id
    WHERE e.model_id = %(model_id)s AND e.function_id > m.listed_up_to AND NOT e.lacks_meaning
) OR EXISTS (
    SELECT FROM agentforge.function_neighbours AS n
    JOIN agentforge.function_embeddings AS e ON e.function_id = n.function_id AND e.model_id = n.model_id
    WHERE n.model_id = %(model_id)s AND (n.neighbours IS NULL OR n.neighbours = '{}') AND NOT e.lacks_meaning
);

-- vectors --
COPY (
    SELECT e.function_id, e.embedding FROM agentforge.function_embeddings AS e
    WHERE e.model_id = %(model_id)s AND e.function_id <= %(up_to)s AND NOT e.lacks_meaning ORDER BY e.function_id
) TO STDOUT (FORMAT binary);

-- lists --
COPY (
    SELECT n.function_id, n.neighbours FROM agentforge.function_neighbours AS n
    WHERE n.model_id = %(model_id)s AND cardinality(n.neighbours) > 0
) TO STDOUT (FORMAT binary);

-- store --
-- Not where the vector has changed meanwhile.
INSERT INTO agentforge.function_neighbours (model_id, function_id, neighbours)
SELECT %(model_id)s, f.id, (%(neighbours)s::integer[])[(f.place - 1) * %(length)s + 1 : f.place * %(length)s]
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS f (id, place)
ON CONFLICT (model_id, function_id) DO UPDATE SET neighbours = EXCLUDED.neighbours
WHERE function_neighbours.neighbours IS NOT NULL;

-- delete_gone --
-- The rows of functions that have gone, or lack meaning; not where a vector is being written meanwhile.
DELETE FROM agentforge.function_neighbours AS n
WHERE n.model_id = %(model_id)s AND n.neighbours IS NOT NULL AND NOT EXISTS (
    SELECT FROM agentforge.function_embeddings AS e
    WHERE e.function_id = n.function_id AND e.model_id = n.model_id AND NOT e.lacks_meaning
);

-- delete_listed --
-- Copies of vectors that are in the lists now, or have gone.
DELETE FROM agentforge.unlisted_vectors AS u
WHERE u.model_id = %(model_id)s AND (
    u.function_id <= %(up_to)s AND NOT EXISTS (
        SELECT FROM agentforge.function_neighbours AS n
        WHERE n.model_id = u.model_id AND n.function_id = u.function_id AND (n.neighbours IS NULL OR n.neighbours = '{}'))
    OR NOT EXISTS (
        SELECT FROM agentforge.function_embeddings AS e WHERE e.function_id = u.function_id AND e.model_id = u.model_id));

-- note --
-- A model without vectors has no lists.
UPDATE agentforge.embedding_models SET listed_up_to = CASE
    WHEN EXISTS (SELECT FROM agentforge.function_embeddings AS e WHERE e.model_id = %(model_id)s) THEN %(up_to)s ELSE 0 END
WHERE id = %(model_id)s;
