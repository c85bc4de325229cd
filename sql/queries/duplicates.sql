-- compared_projects --
-- Every project that the caller may read, with its branch that was analysed last, that analysis, whether one was before it, and
-- the model of its vectors.
SELECT p.id, p.key, p.name, last.branch, last.id, EXISTS (
           SELECT FROM agentforge.project_analyses AS a
           WHERE a.project_id = p.id AND a.branch = last.branch AND a.status = 'completed' AND a.id < last.id
       ), m.id, m.name, m.version, m.channels
FROM agentforge.projects AS p
CROSS JOIN LATERAL (
    SELECT a.id, a.branch, a.model_id FROM agentforge.project_analyses AS a
    WHERE a.project_id = p.id AND a.status = 'completed' ORDER BY a.id DESC LIMIT 1
) AS last
JOIN agentforge.embedding_models AS m ON m.id = last.model_id
ORDER BY p.id;

-- candidates --
-- The functions of some branches that are long enough to be called duplicates, with their vectors.
SELECT f.id, f.project_id, a.file_path, f.qualified_name, f.start_line, f.end_line, f.lines_of_code,
       encode(f.code_hash, 'hex'), e.embedding, f.introduced_by IS NOT DISTINCT FROM s.analysis_id AND s.has_previous
FROM unnest(%(project_ids)s::bigint[], %(branches)s::text[], %(analysis_ids)s::bigint[], %(has_previous)s::boolean[])
    AS s (project_id, branch, analysis_id, has_previous)
JOIN agentforge.file_analyses AS a ON a.project_id = s.project_id AND a.branch = s.branch AND a.superseded_by IS NULL
JOIN agentforge.functions AS f ON f.file_analysis_id = a.id
JOIN agentforge.function_embeddings AS e ON e.function_id = f.id AND e.model_id = %(model_id)s
WHERE f.lines_of_code >= %(min_lines)s AND (%(tests)s OR NOT a.is_test)
  AND (%(language)s::text IS NULL OR a.file_type = %(language)s)
ORDER BY f.id;

-- not_embedded --
-- How many functions of some branches are in files that a model did not embed.
SELECT coalesce(sum(a.function_count), 0)::bigint
FROM unnest(%(project_ids)s::bigint[], %(branches)s::text[]) AS s (project_id, branch)
JOIN agentforge.file_analyses AS a ON a.project_id = s.project_id AND a.branch = s.branch AND a.superseded_by IS NULL
WHERE a.model_id IS DISTINCT FROM %(model_id)s;

-- functions_by_id --
SELECT f.id, p.name, a.file_path, a.file_type, f.qualified_name, f.function_signature, f.start_line, f.end_line,
       f.lines_of_code, f.cyclomatic, f.cognitive, f.code
FROM agentforge.functions AS f
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
JOIN agentforge.projects AS p ON p.id = f.project_id
WHERE f.id = ANY (%(ids)s);
