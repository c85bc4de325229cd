-- create_incoming --
-- A load goes through these: COPY is refused on tables under row-level security, and batches arrive while no
-- transaction is open. An earlier load of this session may have left its own.
DROP TABLE IF EXISTS pg_temp.incoming_files, pg_temp.incoming_functions, pg_temp.incoming_chunks, pg_temp.incoming_vectors,
    pg_temp.incoming_violations, pg_temp.incoming_duplicates, pg_temp.gone_files, pg_temp.gone_functions,
    pg_temp.renamed_files;
CREATE TEMPORARY TABLE incoming_files (
    file_path text, file_type text, content_hash text, file_size bigint, physical_lines integer, lines_of_code integer,
    comment_lines integer, blank_lines integer, function_count integer, class_count integer,
    complexity_score double precision, quality_score double precision, security_score double precision,
    maintainability_index double precision, parse_error text, error_share double precision, is_test boolean
);
-- Rows longer than 2 kB have their values compressed, and what is compressed stays so in the shorter rows that it goes on to:
-- `filling` makes these long enough. MAIN keeps the values in the row.
CREATE TEMPORARY TABLE incoming_functions (
    number bigint, file_path text STORAGE MAIN, function_name text STORAGE MAIN, qualified_name text STORAGE MAIN,
    function_signature text STORAGE MAIN, description text STORAGE MAIN, start_line integer, end_line integer,
    lines_of_code integer, parameters integer, cyclomatic integer, cognitive integer, nesting integer,
    distinct_operators integer, distinct_operands integer, operators integer, operands integer,
    halstead_volume double precision, halstead_difficulty double precision, halstead_effort double precision,
    maintainability_index double precision, code_hash bytea STORAGE MAIN, code text STORAGE MAIN,
    filling text STORAGE MAIN DEFAULT repeat(' ', 2048)
) WITH (toast_tuple_target = 128);
CREATE TEMPORARY TABLE incoming_chunks (
    file_path text STORAGE MAIN, kind text STORAGE MAIN, name text STORAGE MAIN, start_line integer, end_line integer,
    code_hash bytea STORAGE MAIN, code text STORAGE MAIN, filling text STORAGE MAIN DEFAULT repeat(' ', 2048)
) WITH (toast_tuple_target = 128);
CREATE TEMPORARY TABLE incoming_vectors (code_hash bytea PRIMARY KEY, embedding halfvec, lacks_meaning boolean);
CREATE TEMPORARY TABLE incoming_violations (
    violation_id bigint, file_path text, rule_id text, rule_name text, category text, severity text, confidence text,
    cwe integer, line_number integer, column_number integer, end_line integer, end_column integer, message text,
    suggestion text, function_name text, line_hash text, fingerprint text, waiver_kind text, waiver_reason text, flow jsonb,
    base_id bigint, tool text
);
CREATE TEMPORARY TABLE incoming_duplicates (function_id bigint, other_function_id bigint, score double precision);
CREATE TEMPORARY TABLE gone_files (file_path text PRIMARY KEY);
CREATE TEMPORARY TABLE gone_functions (code_hash bytea, file_path text, introduced_by bigint);
CREATE TEMPORARY TABLE renamed_files (old_path text PRIMARY KEY, new_path text UNIQUE);

-- copy_files --
COPY incoming_files FROM STDIN;

-- copy_functions --
COPY incoming_functions (
    number, file_path, function_name, qualified_name, function_signature, description, start_line, end_line, lines_of_code,
    parameters, cyclomatic, cognitive, nesting, distinct_operators, distinct_operands, operators, operands, halstead_volume,
    halstead_difficulty, halstead_effort, maintainability_index, code_hash, code
) FROM STDIN;

-- copy_chunks --
COPY incoming_chunks (file_path, kind, name, start_line, end_line, code_hash, code) FROM STDIN;

-- copy_vectors --
COPY incoming_vectors FROM STDIN (FORMAT binary);

-- copy_violations --
COPY incoming_violations FROM STDIN;

-- copy_duplicates --
COPY incoming_duplicates FROM STDIN;

-- copy_gone --
COPY gone_files FROM STDIN;

-- copy_renamed --
COPY renamed_files FROM STDIN;

-- reuse_vectors --
-- Vectors that the database has already for some of these hashes, whichever project they are of; the complete ones first.
INSERT INTO incoming_vectors (code_hash, embedding, lacks_meaning)
SELECT DISTINCT ON (f.code_hash) f.code_hash, e.embedding, e.lacks_meaning
FROM agentforge.functions AS f
JOIN agentforge.function_embeddings AS e ON e.function_id = f.id AND e.model_id = %(model_id)s
WHERE f.code_hash = ANY (%(hashes)s)
ORDER BY f.code_hash, e.lacks_meaning
RETURNING encode(code_hash, 'hex');

-- reuse_chunk_vectors --
INSERT INTO incoming_vectors (code_hash, embedding, lacks_meaning)
SELECT DISTINCT ON (c.code_hash) c.code_hash, e.embedding, false
FROM agentforge.code_chunks AS c
JOIN agentforge.code_embeddings AS e ON e.chunk_id = c.id AND e.model_id = %(model_id)s
WHERE c.code_hash = ANY (%(hashes)s)
RETURNING encode(code_hash, 'hex');

-- analyze_incoming --
ANALYZE incoming_files, incoming_functions, incoming_chunks, incoming_vectors, incoming_violations, gone_files;

-- delete_functions --
-- Functions are kept for current versions only; their vectors and pairs go with them.
WITH deleted AS (
    DELETE FROM agentforge.functions AS f USING agentforge.file_analyses AS a
    WHERE a.id = f.file_analysis_id AND a.project_id = %(project_id)s AND a.branch = %(branch)s AND a.superseded_by IS NULL
      AND (a.file_path IN (SELECT file_path FROM incoming_files) OR a.file_path IN (SELECT file_path FROM gone_files))
    RETURNING f.code_hash, a.file_path, f.introduced_by
)
INSERT INTO gone_functions SELECT code_hash, file_path, introduced_by FROM deleted;

-- delete_chunks --
DELETE FROM agentforge.code_chunks WHERE file_analysis_id IN (
    SELECT f.id FROM agentforge.file_analyses AS f
    WHERE f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.superseded_by IS NULL
      AND (f.file_path IN (SELECT file_path FROM incoming_files) OR f.file_path IN (SELECT file_path FROM gone_files))
);

-- close_files --
UPDATE agentforge.file_analyses AS f SET superseded_by = %(analysis_id)s
WHERE f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.superseded_by IS NULL
  AND (f.file_path IN (SELECT file_path FROM gone_files)
       OR EXISTS (
           SELECT FROM incoming_files AS i
           WHERE i.file_path = f.file_path
             AND (i.content_hash, %(engine_version)s) IS DISTINCT FROM (f.content_hash, f.engine_version)
       ));

-- keep_files --
-- A version that was analysed again only because of another model stays the version that it is.
UPDATE agentforge.file_analyses AS f SET model_id = %(files_model_id)s
WHERE f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.superseded_by IS NULL
  AND f.model_id IS DISTINCT FROM %(files_model_id)s AND f.file_path IN (SELECT file_path FROM incoming_files);

-- insert_files --
INSERT INTO agentforge.file_analyses
    (project_id, project_analysis_id, branch, file_path, previous_path, file_type, content_hash, engine_version, file_size,
     physical_lines, lines_of_code, comment_lines, blank_lines, function_count, class_count, complexity_score,
     quality_score, security_score, maintainability_index, parse_error, error_share, is_test, model_id)
SELECT %(project_id)s, %(analysis_id)s, %(branch)s, i.file_path, r.old_path, i.file_type, i.content_hash,
       %(engine_version)s, i.file_size, i.physical_lines, i.lines_of_code, i.comment_lines, i.blank_lines, i.function_count,
       i.class_count, i.complexity_score, i.quality_score, i.security_score, i.maintainability_index, i.parse_error,
       i.error_share, i.is_test, %(files_model_id)s
FROM incoming_files AS i
LEFT JOIN renamed_files AS r ON r.new_path = i.file_path
WHERE NOT EXISTS (
    SELECT FROM agentforge.file_analyses AS f
    WHERE f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.superseded_by IS NULL
      AND f.file_path = i.file_path
);

-- insert_functions --
-- Code that the load took away and brings again is as old as it was, first where it stood, then where it moved to; a copy that
-- there are more of than before is new.
WITH gone AS (
    SELECT code_hash, introduced_by,
           row_number() OVER (PARTITION BY code_hash ORDER BY introduced_by NULLS FIRST) AS place
    FROM gone_functions
), stayed AS (
    SELECT DISTINCT g.code_hash, coalesce(r.new_path, g.file_path) AS file_path
    FROM gone_functions AS g LEFT JOIN renamed_files AS r ON r.old_path = g.file_path
), incoming AS (
    SELECT i.*, row_number() OVER (
        PARTITION BY i.code_hash ORDER BY s.file_path IS NULL, i.number
    ) AS place
    FROM incoming_functions AS i
    LEFT JOIN stayed AS s ON s.code_hash = i.code_hash AND s.file_path = i.file_path
), added AS (
    INSERT INTO agentforge.functions
        (project_id, file_analysis_id, function_name, qualified_name, function_signature, description, start_line,
         end_line, lines_of_code, parameters, cyclomatic, cognitive, nesting, distinct_operators, distinct_operands, operators,
         operands, halstead_volume, halstead_difficulty, halstead_effort, maintainability_index, code_hash, code,
         introduced_by)
    SELECT %(project_id)s, f.id, i.function_name, i.qualified_name, i.function_signature, i.description, i.start_line,
           i.end_line, i.lines_of_code, i.parameters, i.cyclomatic, i.cognitive, i.nesting, i.distinct_operators,
           i.distinct_operands, i.operators, i.operands, i.halstead_volume, i.halstead_difficulty, i.halstead_effort,
           i.maintainability_index, i.code_hash, i.code,
           CASE WHEN g.code_hash IS NULL THEN %(analysis_id)s ELSE g.introduced_by END
    FROM incoming AS i
    JOIN agentforge.file_analyses AS f
      ON f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.file_path = i.file_path AND f.superseded_by IS NULL
    LEFT JOIN gone AS g ON g.code_hash = i.code_hash AND g.place = i.place
    ORDER BY i.number
    RETURNING id, file_analysis_id, code_hash
)
INSERT INTO agentforge.function_embeddings (function_id, project_id, model_id, branch, file_type, embedding, lacks_meaning)
SELECT a.id, %(project_id)s, %(model_id)s, %(branch)s, coalesce(f.file_type, ''), v.embedding, v.lacks_meaning
FROM added AS a
JOIN agentforge.file_analyses AS f ON f.id = a.file_analysis_id
JOIN incoming_vectors AS v USING (code_hash);

-- insert_chunks --
WITH added AS (
    INSERT INTO agentforge.code_chunks (project_id, file_analysis_id, kind, name, start_line, end_line, code_hash, code)
    SELECT %(project_id)s, f.id, i.kind, i.name, i.start_line, i.end_line, i.code_hash, i.code
    FROM incoming_chunks AS i
    JOIN agentforge.file_analyses AS f
      ON f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.file_path = i.file_path AND f.superseded_by IS NULL
    RETURNING id, code_hash
)
INSERT INTO agentforge.code_embeddings (chunk_id, project_id, model_id, embedding)
SELECT a.id, %(project_id)s, %(model_id)s, v.embedding
FROM added AS a JOIN incoming_vectors AS v USING (code_hash);

-- unresolved_violations --
SELECT id, file_path, rule_id, line_number, line_hash, message, fingerprint, function_name
FROM agentforge.code_violations
WHERE project_id = %(project_id)s AND branch = %(branch)s AND resolved_at IS NULL AND NOT imported
  AND file_path = ANY (%(paths)s)
ORDER BY id;

-- update_violations --
UPDATE agentforge.code_violations AS v
SET file_analysis_id = f.id, file_path = i.file_path, rule_name = i.rule_name, category = i.category,
    severity = i.severity, confidence = i.confidence, cwe = i.cwe, line_number = i.line_number,
    column_number = i.column_number, end_line = i.end_line, end_column = i.end_column, message = i.message,
    suggestion = i.suggestion, function_name = i.function_name, line_hash = i.line_hash, fingerprint = i.fingerprint,
    flow = i.flow
FROM incoming_violations AS i
JOIN agentforge.file_analyses AS f
  ON f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.file_path = i.file_path AND f.superseded_by IS NULL
WHERE v.id = i.violation_id;

-- fix_violations --
UPDATE agentforge.code_violations
SET status = 'fixed', resolved_by = %(analysis_id)s, resolved_at = now(), waiver_kind = NULL, waiver_reason = NULL,
    waived_by = NULL
WHERE id = ANY (%(fixed)s);

-- reopen_violations --
UPDATE agentforge.code_violations AS v
SET status = 'reopened', reopened_by = %(analysis_id)s, resolved_by = NULL, resolved_at = NULL, file_analysis_id = f.id,
    file_path = i.file_path, rule_name = i.rule_name, category = i.category, severity = i.severity,
    confidence = i.confidence, cwe = i.cwe, line_number = i.line_number, column_number = i.column_number,
    end_line = i.end_line, end_column = i.end_column, message = i.message, suggestion = i.suggestion, flow = i.flow
FROM incoming_violations AS i
JOIN agentforge.file_analyses AS f
  ON f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.file_path = i.file_path AND f.superseded_by IS NULL
WHERE i.violation_id IS NULL AND v.id = (
    SELECT max(past.id) FROM agentforge.code_violations AS past
    WHERE past.project_id = %(project_id)s AND past.branch = %(branch)s AND past.fingerprint = i.fingerprint
      AND past.resolved_at IS NOT NULL AND past.resolved_by IS DISTINCT FROM %(analysis_id)s
);

-- insert_violations --
-- One that the default branch has, too, was introduced there.
INSERT INTO agentforge.code_violations
    (project_id, file_analysis_id, branch, file_path, rule_id, rule_name, category, severity, confidence, cwe, line_number,
     column_number, end_line, end_column, message, suggestion, function_name, line_hash, fingerprint, introduced_by, created_at,
     waiver_id, tool, flow)
SELECT %(project_id)s, f.id, %(branch)s, i.file_path, i.rule_id, i.rule_name, i.category, i.severity, i.confidence, i.cwe,
       i.line_number, i.column_number, i.end_line, i.end_column, i.message, i.suggestion, i.function_name, i.line_hash,
       i.fingerprint, coalesce(b.introduced_by, %(analysis_id)s), coalesce(b.created_at, now()), b.waiver_id, i.tool,
       i.flow
FROM incoming_violations AS i
JOIN agentforge.file_analyses AS f
  ON f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.file_path = i.file_path AND f.superseded_by IS NULL
LEFT JOIN agentforge.code_violations AS b ON b.id = i.base_id
WHERE i.violation_id IS NULL AND NOT EXISTS (
    SELECT FROM agentforge.code_violations AS v
    WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.fingerprint = i.fingerprint
      AND v.resolved_at IS NULL
);

-- waive_in_source --
-- Violations that a comment, or another tool, waives now and did not before, or for another reason.
UPDATE agentforge.code_violations AS v
SET status = 'waived', waiver_kind = i.waiver_kind, waiver_reason = i.waiver_reason, waived_by = %(analysis_id)s
FROM incoming_violations AS i
WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.fingerprint = i.fingerprint AND v.resolved_at IS NULL
  AND i.waiver_kind IS NOT NULL
  AND (v.waiver_kind, v.waiver_reason) IS DISTINCT FROM (i.waiver_kind, i.waiver_reason);

-- unwaive_in_source --
-- Violations whose comment is gone.
UPDATE agentforge.code_violations AS v
SET status = 'reopened', reopened_by = %(analysis_id)s, waiver_kind = NULL, waiver_reason = NULL, waived_by = NULL
FROM incoming_violations AS i
WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.fingerprint = i.fingerprint AND v.resolved_at IS NULL
  AND v.waiver_kind IN ('inline', 'tool') AND i.waiver_kind IS NULL;

-- clear_violations --
DELETE FROM incoming_violations;

-- unresolved_of_rule --
SELECT id, file_path, rule_id, line_number, line_hash, message, fingerprint, function_name
FROM agentforge.code_violations
WHERE project_id = %(project_id)s AND branch = %(branch)s AND resolved_at IS NULL AND NOT imported
  AND rule_id = %(rule_id)s
ORDER BY id;

-- say --
UPDATE agentforge.code_violations SET message = %(message)s WHERE id = %(id)s;

-- files_of_rule --
SELECT DISTINCT f.id
FROM agentforge.code_violations AS v
JOIN agentforge.file_analyses AS f ON f.id = v.file_analysis_id AND f.superseded_by IS NULL
WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.rule_id = %(rule_id)s
  AND (v.resolved_at IS NULL OR v.resolved_by = %(analysis_id)s);

-- duplicate_functions --
-- Of two functions outside tests that are nearly the same the younger one, with the most alike of the older ones. Left out
-- are overloads, which share file and name, a twin with and without `async` or `await`, and in Rust one with and without `_mut`.
WITH sides AS (
    SELECT d.function_id AS id, d.other_function_id AS other, d.score FROM agentforge.function_duplicates AS d
    WHERE d.project_id = %(project_id)s AND d.score >= %(min_score)s
    UNION ALL
    SELECT d.other_function_id, d.function_id, d.score FROM agentforge.function_duplicates AS d
    WHERE d.project_id = %(project_id)s AND d.score >= %(min_score)s
)
SELECT DISTINCT ON (a.file_path COLLATE "C", f.start_line, f.id)
       a.file_path, f.start_line, f.qualified_name, b.file_path, g.start_line, g.qualified_name
FROM sides AS s
JOIN agentforge.functions AS f ON f.id = s.id
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
JOIN agentforge.functions AS g ON g.id = s.other
JOIN agentforge.file_analyses AS b ON b.id = g.file_analysis_id
WHERE a.branch = %(branch)s AND b.branch = %(branch)s AND NOT a.is_test AND NOT b.is_test
  AND (coalesce(g.introduced_by, 0), b.file_path COLLATE "C", g.start_line, g.id)
    < (coalesce(f.introduced_by, 0), a.file_path COLLATE "C", f.start_line, f.id)
  AND (f.code_hash = g.code_hash OR (a.file_path, f.qualified_name) <> (b.file_path, g.qualified_name))
  AND (f.code ~ '\m(async|await)\M') = (g.code ~ '\m(async|await)\M')
  AND f.qualified_name <> g.qualified_name || '_mut' AND g.qualified_name <> f.qualified_name || '_mut'
ORDER BY a.file_path COLLATE "C", f.start_line, f.id, s.score DESC, b.file_path COLLATE "C", g.start_line;

-- embedded_functions --
-- The functions of the project long enough to be called duplicates, with whether they must be compared: those that this
-- load brought, and copies of one that it took away, which may have stood for all of them.
SELECT f.id, a.file_path, f.qualified_name, f.start_line, f.end_line, f.lines_of_code, encode(f.code_hash, 'hex'),
       e.embedding,
       a.file_path IN (SELECT file_path FROM incoming_files)
           OR f.code_hash IN (SELECT code_hash FROM gone_functions) AS fresh
FROM agentforge.functions AS f
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
JOIN agentforge.function_embeddings AS e ON e.function_id = f.id AND e.model_id = %(model_id)s
WHERE f.project_id = %(project_id)s AND a.branch = %(branch)s AND f.lines_of_code >= %(min_lines)s
ORDER BY f.id;

-- insert_duplicates --
INSERT INTO agentforge.function_duplicates (project_id, function_id, other_function_id, score)
SELECT %(project_id)s, function_id, other_function_id, score FROM incoming_duplicates
ON CONFLICT DO NOTHING;
