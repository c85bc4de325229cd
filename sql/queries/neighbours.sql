-- due --
-- Models with enough functions, some of which are younger than the lists, and none past what a list can name.
SELECT m.id, m.dimension
FROM agentforge.embedding_models AS m
JOIN pg_class AS c ON c.oid = to_regclass(format('agentforge.%%I', 'function_embeddings_' || m.id))
WHERE c.reltuples >= %(rows)s
  AND least(
      (SELECT max(e.function_id) FROM agentforge.function_embeddings AS e WHERE e.model_id = m.id),
      (SELECT min(e.function_id) - 1 FROM agentforge.function_embeddings AS e WHERE e.model_id = m.id AND e.lacks_meaning)
  ) BETWEEN m.listed_up_to + 1 AND %(largest_id)s
ORDER BY m.id;

-- wait_for_writers --
-- Until the end of the transaction nobody writes functions, so it should end at once. Whoever had made ids has committed.
LOCK TABLE agentforge.functions IN SHARE MODE;

-- last_id --
-- The youngest function, or the one before the first that has no meaning yet, whose vector is to change.
SELECT least(pg_sequence_last_value('agentforge.functions_id_seq'), (
    SELECT min(e.function_id) - 1 FROM agentforge.function_embeddings AS e
    WHERE e.model_id = %(model_id)s AND e.lacks_meaning
));

-- vectors --
SELECT e.function_id, e.embedding FROM agentforge.function_embeddings AS e
WHERE e.model_id = %(model_id)s AND e.function_id <= %(up_to)s ORDER BY e.function_id;

-- lists --
SELECT n.function_id, n.neighbours FROM agentforge.function_neighbours AS n WHERE n.model_id = %(model_id)s;

-- store --
INSERT INTO agentforge.function_neighbours (model_id, function_id, neighbours)
SELECT %(model_id)s, f.id, (%(neighbours)s::integer[])[(f.place - 1) * %(length)s + 1 : f.place * %(length)s]
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS f (id, place)
ON CONFLICT (model_id, function_id) DO UPDATE SET neighbours = EXCLUDED.neighbours;

-- delete_gone --
DELETE FROM agentforge.function_neighbours AS n
WHERE n.model_id = %(model_id)s AND NOT EXISTS (
    SELECT FROM agentforge.function_embeddings AS e WHERE e.function_id = n.function_id AND e.model_id = n.model_id
);

-- note --
UPDATE agentforge.embedding_models SET listed_up_to = %(up_to)s WHERE id = %(model_id)s;
