-- Which tool found a violation; findings of other tools, which are imported and live beside those of the analyses.

ALTER TABLE agentforge.code_violations
    ADD COLUMN tool text NOT NULL DEFAULT 'agentforge' CHECK (tool <> ''),
    ADD COLUMN imported boolean NOT NULL DEFAULT false;
UPDATE agentforge.code_violations SET tool = 'bandit' WHERE rule_id ~ '^B[0-9]{3}$';
-- What of one tool's findings is there: an import reads it all.
CREATE INDEX code_violations_imported ON agentforge.code_violations (project_id, branch, tool)
    WHERE imported AND resolved_at IS NULL;

-- An import is a run over one tool's report. It ends as `imported`, never as `completed`: it looks at no file, so nobody may
-- take it for the last analysis of a branch.
ALTER TABLE agentforge.project_analyses
    DROP CONSTRAINT project_analyses_analysis_type_check,
    ADD CONSTRAINT project_analyses_analysis_type_check CHECK (analysis_type IN ('full', 'partial', 'import')),
    DROP CONSTRAINT project_analyses_status_check,
    ADD CONSTRAINT project_analyses_status_check
        CHECK (status IN ('running', 'completed', 'failed', 'cancelled', 'imported')),
    ADD COLUMN tool text CHECK (tool <> ''),
    ADD CONSTRAINT project_analyses_import CHECK (
        (analysis_type = 'import') = (tool IS NOT NULL)
        AND CASE status WHEN 'imported' THEN analysis_type = 'import' WHEN 'completed' THEN analysis_type <> 'import'
            ELSE true END);
CREATE INDEX project_analyses_imported ON agentforge.project_analyses (project_id, branch, tool, id DESC)
    WHERE status = 'imported';

CREATE OR REPLACE VIEW agentforge.violations WITH (security_invoker = true) AS
SELECT v.id, v.project_id, v.file_analysis_id, v.branch, v.file_path, v.rule_id, v.rule_name, v.category, v.severity,
       v.confidence, v.cwe, v.line_number, v.column_number, v.end_line, v.end_column, v.message, v.suggestion, v.function_name,
       v.line_hash, v.fingerprint,
       CASE WHEN v.waiver_kind = 'stored' AND NOT agentforge.waiver_holds(w.until) THEN 'open' ELSE v.status END AS status,
       v.introduced_by, v.reopened_by, v.resolved_by, v.waived_by, v.created_at, v.resolved_at, v.waiver_kind,
       coalesce(v.waiver_reason, w.reason) AS waiver_reason, v.waiver_id,
       w.created_by_name AS waiver_username, w.created_at AS waiver_created_at, w.until AS waiver_until, v.tool, v.imported
FROM agentforge.code_violations AS v
LEFT JOIN agentforge.violation_waivers AS w
    ON v.waiver_kind = 'stored' AND w.id = v.waiver_id AND w.project_id = v.project_id;
