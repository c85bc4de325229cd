-- Where the value comes from that makes a place dangerous: its way through the file, the source first.
ALTER TABLE agentforge.code_violations
    ADD COLUMN flow jsonb,
    ADD CONSTRAINT code_violations_flow_check CHECK (jsonb_typeof(flow) = 'array' AND flow <> '[]');

CREATE OR REPLACE VIEW agentforge.violations WITH (security_invoker = true) AS
SELECT v.id, v.project_id, v.file_analysis_id, v.branch, v.file_path, v.rule_id, v.rule_name, v.category, v.severity,
       v.confidence, v.cwe, v.line_number, v.column_number, v.end_line, v.end_column, v.message, v.suggestion, v.function_name,
       v.line_hash, v.fingerprint,
       CASE WHEN v.waiver_kind = 'stored' AND NOT agentforge.waiver_holds(w.until) THEN 'open' ELSE v.status END AS status,
       v.introduced_by, v.reopened_by, v.resolved_by, v.waived_by, v.created_at, v.resolved_at, v.waiver_kind,
       coalesce(v.waiver_reason, w.reason) AS waiver_reason, v.waiver_id,
       w.created_by_name AS waiver_username, w.created_at AS waiver_created_at, w.until AS waiver_until, v.tool, v.imported,
       v.flow
FROM agentforge.code_violations AS v
LEFT JOIN agentforge.violation_waivers AS w
    ON v.waiver_kind = 'stored' AND w.id = v.waiver_id AND w.project_id = v.project_id;
