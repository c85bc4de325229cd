-- languages --
-- Totals and means of a branch by language. A mean is over the files outside tests, or over all where there are tests
-- only; it is weighted by code lines, and 100 where there are none.
WITH weighted AS (
    SELECT file_type, function_count, lines_of_code, complexity_score, quality_score, security_score, parse_error,
           CASE WHEN is_test AND bool_or(NOT is_test AND lines_of_code > 0) OVER (PARTITION BY file_type) THEN 0
                ELSE lines_of_code END AS weight
    FROM agentforge.file_analyses
    WHERE project_id = %(project_id)s AND branch = %(branch)s AND superseded_by IS NULL
)
SELECT file_type, count(*), sum(function_count), sum(lines_of_code),
       coalesce(sum(complexity_score * weight) / nullif(sum(weight), 0), 100),
       coalesce(sum(quality_score * weight) / nullif(sum(weight), 0), 100),
       coalesce(sum(security_score * weight) / nullif(sum(weight), 0), 100),
       count(parse_error)
FROM weighted
GROUP BY file_type
ORDER BY file_type IS NULL, sum(lines_of_code) DESC, file_type COLLATE "C";

-- worst_functions --
SELECT a.file_path, a.file_type, f.qualified_name, f.function_signature, f.start_line, f.end_line, f.lines_of_code,
       f.cyclomatic, f.cognitive
FROM agentforge.functions AS f JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
WHERE f.project_id = %(project_id)s AND a.branch = %(branch)s
ORDER BY f.cognitive DESC, f.cyclomatic DESC, a.file_path COLLATE "C", f.start_line
LIMIT %(limit)s;

-- severities --
-- New (or reopened) by this analysis, fixed by it, what was there before and still is, and what is waived.
SELECT severity,
       count(*) FILTER (WHERE resolved_at IS NULL AND status <> 'waived' AND %(analysis_id)s IN (introduced_by, reopened_by)),
       count(*) FILTER (WHERE resolved_by = %(analysis_id)s),
       count(*) FILTER (WHERE resolved_at IS NULL AND status <> 'waived'
                        AND introduced_by <> %(analysis_id)s AND reopened_by IS DISTINCT FROM %(analysis_id)s),
       count(*) FILTER (WHERE status = 'waived')
FROM agentforge.violations
WHERE project_id = %(project_id)s AND branch = %(branch)s AND NOT imported
  AND (resolved_at IS NULL OR resolved_by = %(analysis_id)s)
GROUP BY severity;

-- violations --
-- Unresolved ones and those that this analysis resolved: worst first, new before old, outside tests before in them.
SELECT rule_id, rule_name, category, severity, confidence, cwe, v.file_path, line_number, column_number, end_line,
       end_column, message, suggestion, function_name, line_hash, fingerprint,
       CASE WHEN status = 'open' AND introduced_by = %(analysis_id)s THEN 'new'
            WHEN status = 'reopened' AND reopened_by IS DISTINCT FROM %(analysis_id)s THEN 'open'
            ELSE status END AS status,
       waiver_reason, waiver_kind, waiver_username, waiver_until, tool, flow
FROM agentforge.violations AS v
WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND NOT v.imported
  AND (resolved_at IS NULL OR resolved_by = %(analysis_id)s)
ORDER BY array_position(ARRAY['critical', 'high', 'medium', 'low', 'info'], severity),
         status = 'open' AND introduced_by = %(analysis_id)s DESC, in_tests,
         v.file_path COLLATE "C", line_number, column_number, rule_id COLLATE "C";

-- worst_violations --
-- The first of them that are neither resolved nor waived. A severity is read where there are too few that are worse: the new ones,
-- if there are any, the others, and those whose waiver has run out. The index has them in order, and as IS TRUE keeps the planner
-- from another one, no more are read than are shown, whether all are new or none.
WITH counted AS MATERIALIZED (
    SELECT s.severity, s.place, (
        SELECT count(*) FROM (
            SELECT FROM agentforge.code_violations AS v
            WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.severity = s.severity AND v.resolved_at IS NULL
              AND NOT v.imported AND v.status <> 'waived'
            LIMIT %(limit)s
        ) AS open
    ) AS violations
    FROM unnest('{critical,high,medium,low,info}'::text[]) WITH ORDINALITY AS s (severity, place)
), wanted AS (
    SELECT severity, place, sum(violations) OVER (ORDER BY place) - violations AS worse FROM counted
)
SELECT v.rule_id, v.rule_name, v.category, v.severity, v.confidence, v.cwe, v.file_path, v.line_number, v.column_number,
       v.end_line, v.end_column, v.message, v.suggestion, v.function_name, v.line_hash, v.fingerprint,
       CASE WHEN v.is_new THEN 'new'
            WHEN v.status = 'reopened' AND v.reopened_by = %(analysis_id)s THEN 'reopened'
            ELSE 'open' END AS status,
       NULL AS waiver_reason, NULL AS waiver_kind, NULL AS waiver_username, NULL::date AS waiver_until, v.tool, v.flow
FROM wanted AS s
CROSS JOIN LATERAL (
    (SELECT v.*, true AS is_new FROM agentforge.code_violations AS v
     WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.severity = s.severity AND v.resolved_at IS NULL
       AND NOT v.imported AND v.status <> 'waived' AND (v.status = 'open' AND v.introduced_by = %(analysis_id)s) IS TRUE
       AND (SELECT EXISTS (
           SELECT FROM agentforge.code_violations AS n
           WHERE n.introduced_by = %(analysis_id)s AND n.project_id = %(project_id)s))
     ORDER BY v.in_tests, v.file_path COLLATE "C", v.line_number, v.column_number, v.rule_id COLLATE "C"
     LIMIT %(limit)s)
    UNION ALL
    (SELECT v.*, false FROM agentforge.code_violations AS v
     WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.severity = s.severity AND v.resolved_at IS NULL
       AND NOT v.imported AND v.status <> 'waived' AND NOT (v.status = 'open' AND v.introduced_by = %(analysis_id)s)
     ORDER BY v.in_tests, v.file_path COLLATE "C", v.line_number, v.column_number, v.rule_id COLLATE "C"
     LIMIT %(limit)s)
    UNION ALL
    (SELECT v.*, v.introduced_by = %(analysis_id)s FROM agentforge.violation_waivers AS w
     JOIN agentforge.code_violations AS v ON v.waiver_id = w.id AND v.project_id = w.project_id
     WHERE w.project_id = %(project_id)s AND NOT agentforge.waiver_holds(w.until) AND v.branch = %(branch)s
       AND v.severity = s.severity AND v.waiver_kind = 'stored' AND v.resolved_at IS NULL AND NOT v.imported)
) AS v
WHERE s.worse < %(limit)s
ORDER BY s.place, v.is_new DESC, v.in_tests, v.file_path COLLATE "C", v.line_number, v.column_number, v.rule_id COLLATE "C"
LIMIT %(limit)s;

-- duplicates --
-- Those outside tests first: they are the ones that somebody should do something about.
SELECT d.score, d.function_id, d.other_function_id, count(*) OVER ()
FROM agentforge.function_duplicates AS d
JOIN agentforge.functions AS f ON f.id = d.function_id
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
JOIN agentforge.functions AS g ON g.id = d.other_function_id
JOIN agentforge.file_analyses AS b ON b.id = g.file_analysis_id
WHERE d.project_id = %(project_id)s AND a.branch = %(branch)s
ORDER BY a.is_test OR b.is_test, d.score DESC, f.lines_of_code DESC, d.function_id, d.other_function_id
LIMIT %(limit)s;

-- functions_by_id --
SELECT f.id, a.file_path, a.file_type, f.qualified_name, f.function_signature, f.start_line, f.end_line,
       f.lines_of_code, f.cyclomatic, f.cognitive
FROM agentforge.functions AS f JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
WHERE f.id = ANY (%(ids)s);

-- files --
SELECT id, file_path, file_type, file_size, content_hash, physical_lines, lines_of_code, comment_lines, blank_lines,
       class_count, maintainability_index, parse_error, error_share, complexity_score, quality_score, security_score, is_test
FROM agentforge.file_analyses
WHERE project_id = %(project_id)s AND branch = %(branch)s AND superseded_by IS NULL
ORDER BY file_path COLLATE "C";

-- functions --
SELECT f.file_analysis_id, f.function_name, f.qualified_name, f.function_signature, f.start_line, f.end_line,
       f.lines_of_code, f.parameters, f.cyclomatic, f.cognitive, f.nesting, f.distinct_operators, f.distinct_operands,
       f.operators, f.operands, f.maintainability_index, f.id
FROM agentforge.functions AS f JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
WHERE f.project_id = %(project_id)s AND a.branch = %(branch)s
ORDER BY f.id;

-- idioms --
-- The idioms of the functions of a branch.
SELECT i.function_id, i.pattern_name
FROM agentforge.function_idioms AS i
JOIN agentforge.functions AS f ON f.id = i.function_id
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
WHERE i.project_id = %(project_id)s AND a.branch = %(branch)s
ORDER BY i.function_id, i.pattern_name;

-- idiom_counts --
SELECT i.pattern_name, count(*)
FROM agentforge.function_idioms AS i
JOIN agentforge.functions AS f ON f.id = i.function_id
JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
WHERE i.project_id = %(project_id)s AND a.branch = %(branch)s
GROUP BY i.pattern_name
ORDER BY count(*) DESC, i.pattern_name;
