-- searched_projects --
-- Every project that the caller may read, with the branch that was analysed last, the one that is searched, and how many
-- functions of each language are in it.
SELECT p.id, p.key, p.name, last.branch, last.functions
FROM agentforge.projects AS p
CROSS JOIN LATERAL (
    SELECT a.branch, a.results -> 'functions' AS functions FROM agentforge.project_analyses AS a
    WHERE a.project_id = p.id AND a.status = 'completed' ORDER BY a.id DESC LIMIT 1
) AS last
ORDER BY p.id;

-- functions_named --
SELECT f.id, a.project_id, encode(f.code_hash, 'hex'), a.file_path, a.file_type, f.qualified_name, f.function_signature,
       f.start_line, f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive, f.code
FROM agentforge.functions AS f
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
JOIN unnest(%(project_ids)s::bigint[], %(branches)s::text[]) AS s (project_id, branch)
  ON s.project_id = a.project_id AND s.branch = a.branch
WHERE f.name_key = lower(%(name)s)
ORDER BY a.project_id, a.file_path COLLATE "C", f.start_line
LIMIT 1000;

-- functions_at --
-- The functions around a line of a file, innermost first; the path may be the end of the stored one.
SELECT f.id, a.project_id, encode(f.code_hash, 'hex'), a.file_path, a.file_type, f.qualified_name, f.function_signature,
       f.start_line, f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive, f.code
FROM agentforge.file_analyses AS a
JOIN agentforge.functions AS f ON f.file_analysis_id = a.id
JOIN unnest(%(project_ids)s::bigint[], %(branches)s::text[]) AS s (project_id, branch)
  ON s.project_id = a.project_id AND s.branch = a.branch
WHERE a.superseded_by IS NULL
  AND (a.file_path = %(path)s OR right(a.file_path, length(%(path)s) + 1) = '/' || %(path)s)
  AND (%(content_hash)s::text IS NULL OR a.content_hash = %(content_hash)s)
  AND %(line)s BETWEEN f.start_line AND f.end_line
ORDER BY a.project_id, a.file_path COLLATE "C", f.start_line DESC, f.id DESC;

-- function_names --
SELECT DISTINCT f.qualified_name FROM agentforge.functions AS f;

-- vector_of --
-- The vector of a function and the model that made it; of the latest version where a name is given.
SELECT m.id, m.name, e.embedding::text
FROM agentforge.function_embeddings AS e JOIN agentforge.embedding_models AS m ON m.id = e.model_id
WHERE e.function_id = %(function_id)s AND (%(model)s::text IS NULL OR m.name = %(model)s)
ORDER BY m.id DESC LIMIT 1;

-- vector_by_hash --
SELECT e.embedding::text
FROM agentforge.functions AS f JOIN agentforge.function_embeddings AS e ON e.function_id = f.id
WHERE f.code_hash = decode(%(code_hash)s, 'hex') AND e.model_id = %(model_id)s LIMIT 1;

-- find_model --
SELECT id FROM agentforge.embedding_models WHERE name = %(name)s AND version = %(version)s;

-- vector_index --
-- Dimension of a model, rows with a vector of it, and whether it has an index that can be searched until enough rows pass a
-- filter, which pgvector 0.8 was the first to do.
SELECT m.dimension,
       (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class AS c
        WHERE c.oid = to_regclass(format('agentforge.function_embeddings_%%s', m.id))),
       EXISTS (
           SELECT FROM pg_index AS i
           WHERE i.indexrelid = to_regclass(format('agentforge.function_embeddings_%%s_hnsw', m.id)) AND i.indisvalid
       ) AND EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'vector' AND e.extversion !~ '^0\.[0-7](\.|$)')
FROM agentforge.embedding_models AS m WHERE m.id = %(model_id)s;

-- nearest --
-- The nearest functions among the wanted. `+ 0` keeps the planner from an approximate index: this is the perfect answer.
SELECT e.function_id, (e.embedding <=> %(vector)s::halfvec) + 0 AS distance
FROM unnest(%(project_ids)s::bigint[], %(branches)s::text[]) AS s (project_id, branch)
JOIN agentforge.function_embeddings AS e ON e.project_id = s.project_id AND e.branch = s.branch
WHERE e.model_id = %(model_id)s AND (%(language)s::text IS NULL OR e.file_type = %(language)s)
ORDER BY distance, e.function_id
LIMIT %(fetch)s;

-- search_settings --
-- For the transaction. Relaxed: what the index finds comes nearly in order, and is put in order by whoever asks.
SELECT set_config('hnsw.ef_search', %(ef_search)s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.max_scan_tuples', %(max_scan_tuples)s, true);

-- nearest_approximate --
-- The same by the index of the model. The expression and its type must be those of the index, which knows the dimension,
-- so {dimension} and {model} are numbers in the statement. IS TRUE makes a hash table of the wanted branches, not a join.
SELECT e.function_id, e.embedding::halfvec({dimension}) <=> %(vector)s::halfvec({dimension}) AS distance
FROM agentforge.function_embeddings AS e
WHERE e.model_id = {model} AND (%(language)s::text IS NULL OR e.file_type = %(language)s)
  AND ((e.project_id, e.branch) IN (
      SELECT s.project_id, s.branch FROM unnest(%(project_ids)s::bigint[], %(branches)s::text[]) AS s (project_id, branch)
  )) IS TRUE
ORDER BY distance
LIMIT %(fetch)s;

-- functions_by_id --
-- What is shown of the nearest. Apart from them, because a search is planned each time and this need not be.
SELECT f.id, f.project_id, encode(f.code_hash, 'hex'), a.file_path, a.file_type, f.qualified_name, f.function_signature,
       f.start_line, f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive, f.code
FROM agentforge.functions AS f JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
WHERE f.id = ANY (%(ids)s);
