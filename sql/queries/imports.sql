-- projects_named --
-- Projects that the caller may read, of this key, or of this name where none has the key.
SELECT id, key, name, repository_url, local_path
FROM agentforge.projects
WHERE key = %(name)s OR (name = %(name)s AND NOT EXISTS (SELECT FROM agentforge.projects WHERE key = %(name)s))
ORDER BY key COLLATE "C"
LIMIT 10;

-- latest_branch --
-- The branch that was analysed last, else the default one.
SELECT coalesce(
    (SELECT a.branch FROM agentforge.project_analyses AS a
     WHERE a.project_id = %(project_id)s AND a.status = 'completed' ORDER BY a.id DESC LIMIT 1),
    (SELECT p.default_branch FROM agentforge.projects AS p WHERE p.id = %(project_id)s), '');

-- paths --
-- The files of a branch as of its last analysis.
SELECT file_path FROM agentforge.file_analyses
WHERE project_id = %(project_id)s AND branch = %(branch)s AND superseded_by IS NULL;

-- begin --
INSERT INTO agentforge.project_analyses (project_id, analysis_type, branch, commit, engine_version, tool)
VALUES (%(project_id)s, 'import', %(branch)s, %(commit)s, %(engine_version)s, %(tool)s)
RETURNING id, started_at;

-- last_commit --
-- What the last import of a tool was of: files that moved since are known under their old names.
SELECT commit FROM agentforge.project_analyses
WHERE project_id = %(project_id)s AND branch = %(branch)s AND tool = %(tool)s AND status = 'imported'
ORDER BY id DESC LIMIT 1;

-- unresolved --
SELECT id, file_path, rule_id, line_number, line_hash, message, fingerprint, function_name
FROM agentforge.code_violations
WHERE project_id = %(project_id)s AND branch = %(branch)s AND tool = %(tool)s AND imported AND resolved_at IS NULL
ORDER BY id;

-- create_incoming --
DROP TABLE IF EXISTS pg_temp.incoming_findings;
CREATE TEMPORARY TABLE incoming_findings (
    violation_id bigint, file_path text, rule_id text, rule_name text, category text, severity text, confidence text,
    cwe integer, line_number integer, column_number integer, end_line integer, end_column integer, message text,
    suggestion text, function_name text, line_hash text, fingerprint text, waiver_kind text, waiver_reason text,
    flow jsonb
);

-- copy_incoming --
COPY incoming_findings FROM STDIN;

-- analyze_incoming --
ANALYZE incoming_findings;

-- fix --
UPDATE agentforge.code_violations
SET status = 'fixed', resolved_by = %(analysis_id)s, resolved_at = now(), waiver_kind = NULL, waiver_reason = NULL,
    waived_by = NULL
WHERE id = ANY (%(fixed)s);

-- update --
UPDATE agentforge.code_violations AS v
SET file_analysis_id = f.id, file_path = i.file_path, rule_name = i.rule_name, category = i.category, severity = i.severity,
    confidence = i.confidence, cwe = i.cwe, line_number = i.line_number, column_number = i.column_number,
    end_line = i.end_line, end_column = i.end_column, message = i.message, suggestion = i.suggestion,
    function_name = i.function_name, line_hash = i.line_hash, fingerprint = i.fingerprint, flow = i.flow
FROM incoming_findings AS i
LEFT JOIN agentforge.file_analyses AS f
  ON f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.file_path = i.file_path AND f.superseded_by IS NULL
WHERE v.id = i.violation_id;

-- reopen --
UPDATE agentforge.code_violations AS v
SET status = 'reopened', reopened_by = %(analysis_id)s, resolved_by = NULL, resolved_at = NULL, file_analysis_id = f.id,
    file_path = i.file_path, rule_name = i.rule_name, category = i.category, severity = i.severity,
    confidence = i.confidence, cwe = i.cwe, line_number = i.line_number, column_number = i.column_number,
    end_line = i.end_line, end_column = i.end_column, message = i.message, suggestion = i.suggestion, flow = i.flow
FROM incoming_findings AS i
LEFT JOIN agentforge.file_analyses AS f
  ON f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.file_path = i.file_path AND f.superseded_by IS NULL
WHERE i.violation_id IS NULL AND v.id = (
    SELECT max(past.id) FROM agentforge.code_violations AS past
    WHERE past.project_id = %(project_id)s AND past.branch = %(branch)s AND past.fingerprint = i.fingerprint
      AND past.resolved_at IS NOT NULL AND past.resolved_by IS DISTINCT FROM %(analysis_id)s
);

-- insert --
INSERT INTO agentforge.code_violations
    (project_id, file_analysis_id, branch, file_path, rule_id, rule_name, category, severity, confidence, cwe, line_number,
     column_number, end_line, end_column, message, suggestion, function_name, line_hash, fingerprint, introduced_by, tool,
     imported, flow)
SELECT %(project_id)s, f.id, %(branch)s, i.file_path, i.rule_id, i.rule_name, i.category, i.severity, i.confidence, i.cwe,
       i.line_number, i.column_number, i.end_line, i.end_column, i.message, i.suggestion, i.function_name, i.line_hash,
       i.fingerprint, %(analysis_id)s, %(tool)s, true, i.flow
FROM incoming_findings AS i
LEFT JOIN agentforge.file_analyses AS f
  ON f.project_id = %(project_id)s AND f.branch = %(branch)s AND f.file_path = i.file_path AND f.superseded_by IS NULL
WHERE i.violation_id IS NULL AND NOT EXISTS (
    SELECT FROM agentforge.code_violations AS v
    WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.fingerprint = i.fingerprint
      AND v.resolved_at IS NULL
);

-- waive --
-- What the tool says is accepted, and was not before, or for another reason; what a person waived stays his.
UPDATE agentforge.code_violations AS v
SET status = 'waived', waiver_kind = i.waiver_kind, waiver_reason = i.waiver_reason, waived_by = %(analysis_id)s
FROM incoming_findings AS i
WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.fingerprint = i.fingerprint AND v.resolved_at IS NULL
  AND i.waiver_kind IS NOT NULL AND v.waiver_kind IS DISTINCT FROM 'stored'
  AND (v.waiver_kind, v.waiver_reason) IS DISTINCT FROM (i.waiver_kind, i.waiver_reason);

-- unwaive --
-- What the tool no longer says is accepted.
UPDATE agentforge.code_violations AS v
SET status = 'reopened', reopened_by = %(analysis_id)s, waiver_kind = NULL, waiver_reason = NULL, waived_by = NULL
FROM incoming_findings AS i
WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.fingerprint = i.fingerprint AND v.resolved_at IS NULL
  AND v.waiver_kind = 'tool' AND i.waiver_kind IS NULL;

-- standing --
-- How the tool's findings stand after an import, beside those that it fixed.
SELECT count(*) FILTER (WHERE status <> 'waived' AND introduced_by = %(analysis_id)s),
       count(*) FILTER (WHERE status = 'reopened' AND reopened_by = %(analysis_id)s),
       count(*) FILTER (WHERE status <> 'waived' AND introduced_by <> %(analysis_id)s
                        AND reopened_by IS DISTINCT FROM %(analysis_id)s),
       count(*) FILTER (WHERE status = 'waived')
FROM agentforge.violations
WHERE project_id = %(project_id)s AND branch = %(branch)s AND tool = %(tool)s AND imported AND resolved_at IS NULL;
