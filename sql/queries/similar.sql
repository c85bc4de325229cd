-- searched_projects --
-- Every project that the caller may read, with the branch that was analysed last: the one that is searched.
SELECT p.id, p.key, p.name, last.branch
FROM agentforge.projects AS p
CROSS JOIN LATERAL (
    SELECT a.branch FROM agentforge.project_analyses AS a
    WHERE a.project_id = p.id AND a.status = 'completed' ORDER BY a.id DESC LIMIT 1
) AS last
ORDER BY p.id;

-- functions_named --
SELECT f.id, a.project_id, f.code_hash, a.file_path, a.file_type, f.qualified_name, f.function_signature, f.start_line,
       f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive, f.code
FROM agentforge.functions AS f
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
JOIN unnest(%(project_ids)s::bigint[], %(branches)s::text[]) AS s (project_id, branch)
  ON s.project_id = a.project_id AND s.branch = a.branch
WHERE f.name_key = lower(%(name)s)
ORDER BY a.project_id, a.file_path COLLATE "C", f.start_line
LIMIT 1000;

-- functions_at --
-- The functions around a line of a file, innermost first; the path may be the end of the stored one.
SELECT f.id, a.project_id, f.code_hash, a.file_path, a.file_type, f.qualified_name, f.function_signature, f.start_line,
       f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive, f.code
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
WHERE f.code_hash = %(code_hash)s AND e.model_id = %(model_id)s LIMIT 1;

-- find_model --
SELECT id FROM agentforge.embedding_models WHERE name = %(name)s AND version = %(version)s;

-- nearest --
-- The nearest functions of all branches, each with whether it is one of the wanted.
-- `+ 0` keeps the planner from an approximate index: a scan is perfect, and fast enough below some 500,000 rows.
WITH near AS MATERIALIZED (
    SELECT e.function_id, e.embedding <=> %(vector)s::halfvec AS distance
    FROM agentforge.function_embeddings AS e
    WHERE e.model_id = %(model_id)s AND (%(only)s::bigint[] IS NULL OR e.project_id = ANY (%(only)s))
    ORDER BY (e.embedding <=> %(vector)s::halfvec) + 0, e.function_id
    LIMIT %(fetch)s
)
SELECT 1 - near.distance, f.id, a.project_id, f.code_hash, a.file_path, a.file_type, f.qualified_name, f.function_signature,
       f.start_line, f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive,
       CASE WHEN s.branch IS NOT NULL THEN f.code ELSE '' END,
       s.branch IS NOT NULL AND (%(language)s::text IS NULL OR a.file_type = %(language)s)
FROM near
JOIN agentforge.functions AS f ON f.id = near.function_id
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
LEFT JOIN unnest(%(project_ids)s::bigint[], %(branches)s::text[]) AS s (project_id, branch)
  ON s.project_id = a.project_id AND s.branch = a.branch
ORDER BY near.distance, f.id;
