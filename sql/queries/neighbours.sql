-- due --
-- Models with enough functions, some of which are younger than the lists or have a new vector, and none past what a list can name.
SELECT m.id, m.dimension
FROM agentforge.embedding_models AS m
JOIN pg_class AS c ON c.oid = to_regclass(format('agentforge.%%I', 'function_embeddings_' || m.id))
CROSS JOIN LATERAL (
    SELECT least(
        (SELECT max(e.function_id) FROM agentforge.function_embeddings AS e WHERE e.model_id = m.id),
        (SELECT min(e.function_id) - 1 FROM agentforge.function_embeddings AS e WHERE e.model_id = m.id AND e.lacks_meaning)
    ) AS id
) AS youngest
WHERE c.reltuples >= %(rows)s AND youngest.id <= %(largest_id)s
  AND (youngest.id > m.listed_up_to OR EXISTS (
      SELECT FROM agentforge.function_neighbours AS n
      WHERE n.model_id = m.id AND (n.neighbours IS NULL OR n.neighbours = '{}')))
ORDER BY m.id;

-- wait_for_writers --
-- Until the end of the transaction nobody writes functions or their vectors, so it should end at once. Whoever had made ids or
-- changed a vector has committed.
LOCK TABLE agentforge.functions, agentforge.function_embeddings IN SHARE MODE;

-- begin --
-- The vectors that were marked are dealt with now; those that are marked from here on are for the next time. A row of the youngest
-- function makes its trigger mark those of all others.
WITH marked AS (
    UPDATE agentforge.function_neighbours SET neighbours = '{}' WHERE model_id = %(model_id)s AND neighbours IS NULL
)
INSERT INTO agentforge.function_neighbours (model_id, function_id, neighbours)
SELECT %(model_id)s, max(e.function_id), '{}' FROM agentforge.function_embeddings AS e
WHERE e.model_id = %(model_id)s AND e.function_id <= %(up_to)s
HAVING count(*) > 0
ON CONFLICT (model_id, function_id) DO NOTHING;

-- last_id --
-- The youngest function, or the one before the first that has no meaning yet, whose vector is to change; what is listed stays so.
SELECT greatest(m.listed_up_to, least(pg_sequence_last_value('agentforge.functions_id_seq'), (
    SELECT min(e.function_id) - 1 FROM agentforge.function_embeddings AS e WHERE e.model_id = m.id AND e.lacks_meaning
)))
FROM agentforge.embedding_models AS m WHERE m.id = %(model_id)s;

-- vectors --
COPY (
    SELECT e.function_id, e.embedding FROM agentforge.function_embeddings AS e
    WHERE e.model_id = %(model_id)s AND e.function_id <= %(up_to)s ORDER BY e.function_id
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
DELETE FROM agentforge.function_neighbours AS n
WHERE n.model_id = %(model_id)s AND NOT EXISTS (
    SELECT FROM agentforge.function_embeddings AS e WHERE e.function_id = n.function_id AND e.model_id = n.model_id
);

-- note --
UPDATE agentforge.embedding_models SET listed_up_to = %(up_to)s WHERE id = %(model_id)s;
