-- team --
-- Every pattern of the team; of two rows of one name, which only SQL can make, the last.
SELECT DISTINCT ON (p.pattern_name) p.pattern_name, p.pattern_type, p.title, p.description, p.severity, p.cwe, p.configuration,
       p.examples, p.created_at, u.username, m.name || ' ' || m.version
FROM agentforge.pattern_embeddings AS p
JOIN agentforge.embedding_models AS m ON m.id = p.model_id
LEFT JOIN agentforge.users AS u ON u.id = p.created_by
ORDER BY p.pattern_name, p.id DESC;

-- may_write --
SELECT agentforge.writes_everything();

-- insert --
-- Nothing where the name is taken, by a row of any model.
INSERT INTO agentforge.pattern_embeddings
    (model_id, pattern_type, pattern_name, title, description, severity, cwe, configuration, examples, embedding, least_score)
SELECT %(model_id)s, %(type)s, %(name)s, %(title)s, %(message)s, %(severity)s, %(cwe)s, %(configuration)s::jsonb,
       %(examples)s::jsonb, %(embedding)s::halfvec, %(least)s
WHERE NOT EXISTS (SELECT FROM agentforge.pattern_embeddings WHERE pattern_name = %(name)s);

-- lock --
-- Of two who add a pattern of one name at once, the second waits, and is told.
SELECT pg_advisory_xact_lock(hashtextextended('agentforge pattern ' || %(name)s, 0));

-- delete --
DELETE FROM agentforge.pattern_embeddings WHERE pattern_name = %(name)s;

-- create_incoming --
DROP TABLE IF EXISTS pg_temp.incoming_idioms;
CREATE TEMPORARY TABLE incoming_idioms (file_path text, start_line integer, qualified_name text, pattern_name text);

-- copy_idioms --
COPY incoming_idioms FROM STDIN;

-- insert_idioms --
-- Two functions of one name that begin on one line are told apart by nothing: both get it.
INSERT INTO agentforge.function_idioms (project_id, function_id, pattern_name)
SELECT DISTINCT f.project_id, f.id, i.pattern_name
FROM incoming_idioms AS i
JOIN agentforge.file_analyses AS a
  ON a.project_id = %(project_id)s AND a.branch = %(branch)s AND a.file_path = i.file_path AND a.superseded_by IS NULL
JOIN agentforge.functions AS f
  ON f.file_analysis_id = a.id AND f.start_line = i.start_line AND f.qualified_name = i.qualified_name
ON CONFLICT DO NOTHING;

-- functions --
-- The functions of some branches with their code.
SELECT f.id, p.name, a.file_path, a.file_type, f.qualified_name, f.function_signature, f.start_line, f.end_line,
       f.lines_of_code, f.cyclomatic, f.cognitive, f.code, f.function_name, a.is_test
FROM unnest(%(project_ids)s::bigint[], %(branches)s::text[]) AS s (project_id, branch)
JOIN agentforge.projects AS p ON p.id = s.project_id
JOIN agentforge.file_analyses AS a ON a.project_id = s.project_id AND a.branch = s.branch AND a.superseded_by IS NULL
JOIN agentforge.functions AS f ON f.file_analysis_id = a.id;
