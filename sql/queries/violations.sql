-- branches --
-- Every branch of every project that the caller may read, by its last analysis or import.
SELECT p.id, p.name, p.key, p.local_path, p.default_branch, a.branch, max(a.id)
FROM agentforge.projects AS p JOIN agentforge.project_analyses AS a ON a.project_id = p.id
WHERE a.status IN ('completed', 'imported')
GROUP BY p.id, a.branch
ORDER BY p.name COLLATE "C", p.id, max(a.id);

-- names --
-- The paths and rules of the violations of some branches, for patterns to be matched with.
SELECT DISTINCT v.file_path, v.rule_id
FROM unnest(%(project_ids)s::bigint[], %(branches)s::text[]) AS s (project_id, branch)
JOIN agentforge.code_violations AS v ON v.project_id = s.project_id AND v.branch = s.branch;

-- violations --
-- Worst first, by place. What the last analysis of a branch found for the first time is new, or the last import from its tool.
WITH scope AS (
    SELECT * FROM unnest(%(project_ids)s::bigint[], %(branches)s::text[]) AS s (project_id, branch)
), runs AS (
    SELECT project_id, branch, coalesce(a.tool, '') AS tool, max(a.id) AS id
    FROM scope JOIN agentforge.project_analyses AS a USING (project_id, branch)
    WHERE a.status IN ('completed', 'imported')
    GROUP BY 1, 2, 3
)
SELECT *, count(*) OVER () AS total FROM (
    SELECT p.name, p.key, v.project_id, v.branch, v.id, v.fingerprint, v.rule_id, v.rule_name, v.category, v.severity,
           v.confidence, v.cwe, v.file_path, v.line_number, v.column_number, v.end_line, v.end_column, v.message, v.suggestion,
           v.function_name,
           CASE WHEN v.status = 'open' AND v.introduced_by = r.id THEN 'new'
                WHEN v.status = 'reopened' AND v.reopened_by IS DISTINCT FROM r.id THEN 'open'
                ELSE v.status END AS status,
           v.created_at, v.resolved_at, v.waiver_kind, v.waiver_reason, v.waiver_username, v.waiver_created_at, v.waiver_until,
           v.tool, v.flow
    FROM scope AS s
    JOIN agentforge.violations AS v ON v.project_id = s.project_id AND v.branch = s.branch
    JOIN agentforge.projects AS p ON p.id = v.project_id
    LEFT JOIN runs AS r ON r.project_id = v.project_id AND r.branch = v.branch
        AND r.tool = CASE WHEN v.imported THEN v.tool ELSE '' END
) AS found
WHERE status = ANY (%(statuses)s)
  AND (%(severities)s::text[] IS NULL OR severity = ANY (%(severities)s))
  AND (%(categories)s::text[] IS NULL OR category = ANY (%(categories)s))
  AND (%(paths)s::text[] IS NULL OR file_path = ANY (%(paths)s))
  AND (%(rules)s::text[] IS NULL OR rule_id = ANY (%(rules)s))
  AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)
ORDER BY array_position(ARRAY['critical', 'high', 'medium', 'low', 'info'], severity), name COLLATE "C", project_id, branch,
         file_path COLLATE "C", line_number, column_number, rule_id COLLATE "C", id
LIMIT %(limit)s;

-- beginning_with --
-- Violations whose fingerprint begins with some digits: the latest row on each branch, one that is there before fixed ones.
SELECT DISTINCT ON (v.project_id, v.fingerprint, v.branch)
       p.name, p.key, v.project_id, v.branch, v.id, v.fingerprint, v.rule_id, v.rule_name, v.category, v.severity,
       v.confidence, v.cwe, v.file_path, v.line_number, v.column_number, v.end_line, v.end_column, v.message, v.suggestion,
       v.function_name,
       CASE WHEN v.status = 'open' AND v.introduced_by = a.id THEN 'new'
            WHEN v.status = 'reopened' AND v.reopened_by IS DISTINCT FROM a.id THEN 'open'
            ELSE v.status END AS status,
       v.created_at, v.resolved_at, v.waiver_kind, v.waiver_reason, v.waiver_username, v.waiver_created_at, v.waiver_until,
       v.tool, v.flow
FROM agentforge.violations AS v
JOIN agentforge.projects AS p ON p.id = v.project_id
LEFT JOIN LATERAL (
    SELECT max(id) AS id FROM agentforge.project_analyses AS a
    WHERE a.project_id = v.project_id AND a.branch = v.branch
      AND CASE WHEN v.imported THEN a.status = 'imported' AND a.tool = v.tool ELSE a.status = 'completed' END
) AS a ON true
WHERE v.fingerprint COLLATE "C" >= %(prefix)s AND v.fingerprint COLLATE "C" < %(prefix)s || 'g'
  AND (%(project_ids)s::bigint[] IS NULL OR v.project_id = ANY (%(project_ids)s))
ORDER BY v.project_id, v.fingerprint, v.branch, v.resolved_at DESC NULLS FIRST, v.id DESC
LIMIT 200;

-- file --
-- The version of the file that a violation is in, and the code of the innermost function around it.
SELECT f.content_hash, f.file_type, f.project_analysis_id, n.start_line, n.code
FROM agentforge.code_violations AS v
JOIN agentforge.file_analyses AS f ON f.id = v.file_analysis_id
LEFT JOIN LATERAL (
    SELECT n.start_line, n.code FROM agentforge.functions AS n
    WHERE n.project_id = f.project_id AND n.file_analysis_id = f.id AND v.line_number BETWEEN n.start_line AND n.end_line
    ORDER BY n.start_line DESC LIMIT 1
) AS n ON true
WHERE v.id = %(id)s;

-- may_write --
SELECT agentforge.writes_everything() OR %(project_id)s = ANY (agentforge.writable_projects());

-- history --
-- How a violation began, and what became of it since.
SELECT 'found' AS event, v.created_at, a.id, a.branch, a.commit, NULL::text AS username, NULL::text AS reason,
       NULL::date AS until, '' AS detail, 0::bigint AS number
FROM agentforge.code_violations AS v
LEFT JOIN agentforge.project_analyses AS a ON a.project_id = v.project_id AND a.id = v.introduced_by
WHERE v.id = %(id)s
UNION ALL
SELECT e.event, e.created_at, a.id, a.branch, a.commit, nullif(e.username, ''), w.reason, w.until, e.detail, e.id
FROM agentforge.violation_events AS e
LEFT JOIN agentforge.project_analyses AS a ON a.project_id = e.project_id AND a.id = e.analysis_id
LEFT JOIN agentforge.violation_waivers AS w ON w.project_id = e.project_id AND w.id = e.waiver_id
WHERE e.violation_id = %(id)s AND e.project_id = %(project_id)s
ORDER BY number;
