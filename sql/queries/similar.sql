-- searched_projects --
-- Every project that the caller may read and that has been analysed, with the branch that is searched, the one that was
-- analysed last.
SELECT p.id, p.key, p.name, p.searched_branch FROM agentforge.projects AS p
WHERE p.searched_branch IS NOT NULL ORDER BY p.id;

-- functions_named --
SELECT f.id, f.project_id, encode(f.code_hash, 'hex'), a.file_path, a.file_type, f.qualified_name, f.function_signature,
       f.start_line, f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive, f.code, p.name
FROM agentforge.functions AS f
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
JOIN agentforge.projects AS p ON p.id = a.project_id AND p.searched_branch = a.branch
WHERE f.name_hash = hashtext(lower(%(name)s)) AND lower(f.function_name) = lower(%(name)s)
ORDER BY a.project_id, a.file_path COLLATE "C", f.start_line
LIMIT 1000;

-- functions_at --
-- The functions around a line of a file, innermost first; the path may be the end of the stored one.
SELECT f.id, f.project_id, encode(f.code_hash, 'hex'), a.file_path, a.file_type, f.qualified_name, f.function_signature,
       f.start_line, f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive, f.code, p.name
FROM agentforge.file_analyses AS a
JOIN agentforge.functions AS f ON f.file_analysis_id = a.id
JOIN agentforge.projects AS p ON p.id = a.project_id AND p.searched_branch = a.branch
WHERE a.superseded_by IS NULL AND a.file_name = %(file_name)s
  AND (a.file_path = %(path)s OR right(a.file_path, length(%(path)s) + 1) = '/' || %(path)s)
  AND (%(content_hash)s::text IS NULL OR a.content_hash = %(content_hash)s)
  AND %(line)s BETWEEN f.start_line AND f.end_line
ORDER BY a.project_id, a.file_path COLLATE "C", f.start_line DESC, f.id DESC;

-- function_names --
SELECT DISTINCT f.qualified_name FROM agentforge.functions AS f;

-- model_of --
-- The model that made the vector of a function; of the latest version where a name is given.
SELECT m.id, m.name, m.version
FROM agentforge.function_embeddings AS e JOIN agentforge.embedding_models AS m ON m.id = e.model_id
WHERE e.function_id = %(function_id)s AND (%(model)s::text IS NULL OR m.name = %(model)s)
ORDER BY m.id DESC LIMIT 1;

-- vector_by_hash --
SELECT e.embedding::text
FROM agentforge.functions AS f JOIN agentforge.function_embeddings AS e ON e.function_id = f.id
WHERE f.code_hash = decode(%(code_hash)s, 'hex') AND e.model_id = %(model_id)s LIMIT 1;

-- models --
-- The models of the last analyses of what the caller may read, that of most projects first.
SELECT m.id, m.name, m.version
FROM agentforge.projects AS p
CROSS JOIN LATERAL (
    SELECT a.model_id FROM agentforge.project_analyses AS a
    WHERE a.project_id = p.id AND a.status = 'completed' ORDER BY a.id DESC LIMIT 1
) AS last
JOIN agentforge.embedding_models AS m ON m.id = last.model_id
GROUP BY m.id ORDER BY count(*) DESC, m.id DESC;

-- left_out --
-- What is searched and not compared: projects whose last analysis had another model, or another version of it, and how many
-- functions are in files that have no vectors.
SELECT ARRAY(
           SELECT p.name
           FROM agentforge.projects AS p
           CROSS JOIN LATERAL (
               SELECT a.model_id FROM agentforge.project_analyses AS a
               WHERE a.project_id = p.id AND a.status = 'completed' ORDER BY a.id DESC LIMIT 1
           ) AS last
           WHERE last.model_id <> %(model_id)s AND p.function_count > 0
             AND (%(project_ids)s::bigint[] IS NULL OR p.id = ANY (%(project_ids)s))
           ORDER BY p.name
       ), (
           SELECT coalesce(sum(a.function_count), 0)::bigint
           FROM agentforge.file_analyses AS a
           JOIN agentforge.projects AS p ON p.id = a.project_id AND p.searched_branch = a.branch
           WHERE a.model_id IS NULL AND a.superseded_by IS NULL AND a.function_count > 0
             AND (%(project_ids)s::bigint[] IS NULL OR p.id = ANY (%(project_ids)s))
             AND (%(language)s::text IS NULL OR a.file_type = %(language)s)
       );

-- without_meaning --
SELECT functions, subject_too FROM agentforge.without_meaning(
    %(function_id)s, %(model_id)s, %(project_ids)s, %(language)s);

-- nearest --
-- The nearest functions, best first, as the function explains. All that is planned in it is planned once a connection.
SELECT id, project_id, code_hash, file_path, file_type, qualified_name, function_signature, start_line, end_line,
       lines_of_code, cyclomatic, cognitive, code, project, distance
FROM agentforge.nearest_functions(
    %(function_id)s, %(vector)s::halfvec, %(model_id)s, %(here_project)s, %(here_path)s, %(here_start)s, %(here_end)s,
    %(project_ids)s, %(language)s, %(limit)s, %(by_features)s)
WHERE distance <= %(max_distance)s;
