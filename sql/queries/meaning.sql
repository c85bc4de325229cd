-- writable --
-- The projects that the caller may write, as their last analysis left them, with the functions of the branches that have no
-- complete vector of a model: their meaning is missing, or all of it.
SELECT p.id, p.key, p.name, (
           SELECT count(*) FROM agentforge.functions AS f
           LEFT JOIN agentforge.function_embeddings AS e ON e.function_id = f.id AND e.model_id = %(model_id)s
           WHERE f.project_id = p.id AND (e.function_id IS NULL OR e.lacks_meaning)
       )
FROM agentforge.projects AS p
WHERE p.searched_branch IS NOT NULL
  AND (agentforge.writes_everything() OR p.id = ANY (agentforge.writable_projects()))
ORDER BY p.id;

-- models --
-- The models whose vectors functions of some projects have, those of most functions first.
SELECT m.id, m.name, m.version
FROM agentforge.function_embeddings AS e JOIN agentforge.embedding_models AS m ON m.id = e.model_id
WHERE e.project_id = ANY (%(project_ids)s)
GROUP BY m.id ORDER BY count(*) DESC, m.id DESC;

-- lacking --
SELECT count(*) FROM agentforge.function_embeddings AS e
WHERE e.project_id = %(project_id)s AND e.model_id = %(model_id)s AND e.lacks_meaning;

-- claim_lacking --
-- The next functions without meaning, locked until the end of the transaction; those that another session has locked are its own.
-- `known` is the vector of equal code that has meaning.
WITH claimed AS MATERIALIZED (
    SELECT e.function_id, e.file_type, e.embedding FROM agentforge.function_embeddings AS e
    WHERE e.model_id = %(model_id)s AND e.project_id = %(project_id)s AND e.lacks_meaning AND e.function_id > %(after)s
    ORDER BY e.function_id LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
SELECT c.function_id, encode(f.code_hash, 'hex'), nullif(c.file_type, ''), f.function_name, f.code, c.embedding, known.embedding
FROM claimed AS c
JOIN agentforge.functions AS f ON f.id = c.function_id
LEFT JOIN LATERAL (
    SELECT o.embedding FROM agentforge.functions AS g
    JOIN agentforge.function_embeddings AS o ON o.function_id = g.id AND o.model_id = %(model_id)s
    WHERE g.code_hash = f.code_hash AND NOT o.lacks_meaning LIMIT 1
) AS known ON true
ORDER BY c.function_id;

-- claim_missing --
-- The same for functions that have no vector of the model at all.
WITH claimed AS MATERIALIZED (
    SELECT f.id, f.code_hash, f.function_name, f.code, f.file_analysis_id FROM agentforge.functions AS f
    WHERE f.project_id = %(project_id)s AND f.id > %(after)s AND NOT EXISTS (
        SELECT FROM agentforge.function_embeddings AS e WHERE e.function_id = f.id AND e.model_id = %(model_id)s
    )
    ORDER BY f.id LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
)
SELECT c.id, encode(c.code_hash, 'hex'), a.file_type, c.function_name, c.code, NULL, known.embedding
FROM claimed AS c
JOIN agentforge.file_analyses AS a ON a.id = c.file_analysis_id
LEFT JOIN LATERAL (
    SELECT o.embedding FROM agentforge.functions AS g
    JOIN agentforge.function_embeddings AS o ON o.function_id = g.id AND o.model_id = %(model_id)s
    WHERE g.code_hash = c.code_hash AND NOT o.lacks_meaning LIMIT 1
) AS known ON true
ORDER BY c.id;

-- fill --
UPDATE agentforge.function_embeddings AS e SET embedding = v.embedding, lacks_meaning = false
FROM unnest(%(ids)s::bigint[], %(vectors)s::halfvec[]) AS v (function_id, embedding)
WHERE e.function_id = v.function_id AND e.project_id = %(project_id)s AND e.model_id = %(model_id)s;

-- compact --
-- The statement that gives back the room of rows which fills have left behind, and what the session works as; where it may work as
-- the owner, and a fifth of the rows were `rewritten`. It keeps everybody else waiting, so there is none for a table that takes
-- seconds: of more than 256 MB, or with an index of vectors.
SELECT format('VACUUM (FULL, ANALYZE) agentforge.%%I', c.relname), current_setting('role'), current_setting('lock_timeout')
FROM pg_class AS c
WHERE c.oid = to_regclass('agentforge.function_embeddings_' || %(model_id)s::text)
  AND pg_has_role(session_user, c.relowner, 'MEMBER') AND %(rewritten)s >= greatest(1000, c.reltuples / 5)
  AND pg_total_relation_size(c.oid) <= 256 * 1024 * 1024
  AND NOT EXISTS (SELECT FROM agentforge.vector_indexes(%(model_id)s));

-- work_as --
SELECT set_config('role', %(role)s, false), set_config('lock_timeout', %(patience)s, false);

-- insert --
-- A function has the vector of one model.
WITH made AS (
    INSERT INTO agentforge.function_embeddings (function_id, project_id, model_id, branch, file_type, embedding)
    SELECT f.id, f.project_id, %(model_id)s, a.branch, coalesce(a.file_type, ''), v.embedding
    FROM unnest(%(ids)s::bigint[], %(vectors)s::halfvec[]) AS v (function_id, embedding)
    JOIN agentforge.functions AS f ON f.id = v.function_id AND f.project_id = %(project_id)s
    JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
    ON CONFLICT DO NOTHING
    RETURNING function_id
)
DELETE FROM agentforge.function_embeddings AS e USING made AS m
WHERE e.function_id = m.function_id AND e.project_id = %(project_id)s AND e.model_id <> %(model_id)s;

-- adopt_files --
-- The files whose functions are all embedded by the model are up to date with it.
UPDATE agentforge.file_analyses AS a SET model_id = %(model_id)s
WHERE a.project_id = %(project_id)s AND a.superseded_by IS NULL AND a.model_id IS DISTINCT FROM %(model_id)s AND NOT EXISTS (
    SELECT FROM agentforge.functions AS f
    LEFT JOIN agentforge.function_embeddings AS e ON e.function_id = f.id AND e.model_id = %(model_id)s
    WHERE f.file_analysis_id = a.id AND e.function_id IS NULL
)
RETURNING a.id, a.branch;

-- adopt_analyses --
-- The last analysis of each branch has the model of its files.
UPDATE agentforge.project_analyses AS r SET model_id = %(model_id)s
WHERE r.project_id = %(project_id)s AND r.status = 'completed' AND r.model_id <> %(model_id)s
  AND NOT EXISTS (
      SELECT FROM agentforge.project_analyses AS b
      WHERE b.project_id = r.project_id AND b.branch = r.branch AND b.status = 'completed' AND b.id > r.id
  )
  AND NOT EXISTS (
      SELECT FROM agentforge.file_analyses AS a
      WHERE a.project_id = r.project_id AND a.branch = r.branch AND a.superseded_by IS NULL
        AND a.model_id IS DISTINCT FROM %(model_id)s
  );

-- embedded_functions --
-- The functions of a branch long enough to be called duplicates; those of some files must be compared.
SELECT f.id, a.file_path, f.qualified_name, f.start_line, f.end_line, f.lines_of_code, encode(f.code_hash, 'hex'),
       e.embedding, a.id = ANY (%(files)s) AS fresh
FROM agentforge.functions AS f
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
JOIN agentforge.function_embeddings AS e ON e.function_id = f.id AND e.model_id = %(model_id)s
WHERE f.project_id = %(project_id)s AND a.branch = %(branch)s AND f.lines_of_code >= %(min_lines)s
ORDER BY f.id;

-- delete_pairs --
DELETE FROM agentforge.function_duplicates
WHERE project_id = %(project_id)s AND (function_id = ANY (%(ids)s::bigint[]) OR other_function_id = ANY (%(ids)s::bigint[]));

-- insert_pairs --
INSERT INTO agentforge.function_duplicates (project_id, function_id, other_function_id, score)
SELECT %(project_id)s, p.function_id, p.other_id, p.score
FROM unnest(%(ids)s::bigint[], %(others)s::bigint[], %(scores)s::float8[]) AS p (function_id, other_id, score)
ON CONFLICT DO NOTHING;
