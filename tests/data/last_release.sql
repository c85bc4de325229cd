-- Rows in every table of the release that had the migrations 0001 and 0002 alone.
INSERT INTO users (username, email, password_digest, role) VALUES
    ('ada', 'ada@example.org', '$argon2id$x', 'admin'), ('bob', NULL, '$argon2id$y', 'viewer');
INSERT INTO user_sessions (user_id, token_digest, expires_at) SELECT id, sha256('t'), now() + '1 day' FROM users LIMIT 1;
INSERT INTO projects (key, name, technology_stack, created_by) VALUES ('k1', 'one', '["python"]', 1), ('k2', 'two', NULL, NULL);
INSERT INTO user_permissions (user_id, project_id, permission, granted_by) VALUES (2, 1, 'read', 1);
SELECT ensure_embedding_model('hashed', '1', 2);
INSERT INTO project_analyses (project_id, branch, engine_version, model_id, status, completed_at)
    SELECT p.id, 'main', '0', 1, 'completed', now() FROM projects AS p, generate_series(1, 2);
INSERT INTO file_analyses (project_id, project_analysis_id, superseded_by, branch, file_path, content_hash,
    engine_version, file_size, physical_lines, lines_of_code, comment_lines, blank_lines, function_count,
    class_count, complexity_score, quality_score, security_score, model_id)
    SELECT a.project_id, a.id, CASE n WHEN 2 THEN a.id END, 'main', a.id || 'f' || n, repeat('0', 64), '0', 1, 1, 1, 0, 0,
        1, 0, 100, 50, 100, 1 FROM project_analyses AS a, generate_series(1, 2) AS n;
INSERT INTO functions (project_id, file_analysis_id, function_name, qualified_name, function_signature, start_line,
    end_line, lines_of_code, parameters, cyclomatic, cognitive, nesting, distinct_operators, distinct_operands,
    operators, operands, halstead_volume, halstead_difficulty, halstead_effort, maintainability_index, code_hash,
    code)
    SELECT project_id, id, 'Näme', 'n', 's', 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, repeat('0f', 32), 'c'
    FROM file_analyses;
INSERT INTO function_embeddings SELECT id, project_id, 1, '[1,2]' FROM functions;
INSERT INTO function_duplicates SELECT a.project_id, a.id, b.id, 0.5 FROM functions AS a
    JOIN functions AS b ON b.project_id = a.project_id AND b.id > a.id;
INSERT INTO code_chunks (project_id, file_analysis_id, kind, name, start_line, end_line, code_hash, code)
    SELECT project_id, id, 'module', 'm', 1, 2, repeat('a0', 32), 'c' FROM file_analyses;
INSERT INTO code_embeddings SELECT id, project_id, 1, '[2,1]' FROM code_chunks;
INSERT INTO code_violations (project_id, file_analysis_id, branch, file_path, rule_id, rule_name, category, severity,
    confidence, line_number, column_number, end_line, end_column, message, suggestion, function_name, line_hash,
    fingerprint, introduced_by)
    SELECT project_id, id, branch, file_path, 'r', 'r', 'quality', 'low', 'high', 1, 1, 1, 1, 'm', '', '', 'h',
    encode(sha256(id::text::bytea), 'hex'), project_analysis_id FROM file_analyses;
INSERT INTO quality_rules (language, rule_id, rule_name, rule_description, category, severity)
    VALUES ('python', 'r', 'r', 'd', 'quality', 'low');
INSERT INTO standards_compliance (project_id, standard_name, compliance_score, total_checks, passed_checks, failed_checks)
    VALUES (1, 's', 90, 10, 9, 1);
INSERT INTO compliance_reports (project_id, report_type, report_period_start, report_period_end)
    VALUES (1, 'monthly', '2026-10-01', '2026-10-31');
INSERT INTO pattern_embeddings (model_id, pattern_type, pattern_name, embedding) VALUES (1, 'smell', 'n', '[1,1]');
INSERT INTO performance_metrics (metric_name, metric_value, tags, recorded_at) VALUES
    ('m', 1, '{"project_id": 1, "phase": "walk"}', now()), ('m', 2, '{}', now() - interval '3 months');
INSERT INTO api_requests (endpoint, method, user_id, request_id) VALUES ('analyze', 'CLI', 1, gen_random_uuid());
INSERT INTO error_logs (error_type, error_message, user_id) VALUES ('E', 'm', 1);
INSERT INTO audit_logs (user_id, action, resource_type, resource_id, project_id, new_values)
    VALUES (1, 'INSERT', 'projects', 1, 1, '{"name": "one"}');
REFRESH MATERIALIZED VIEW daily_compliance_summary;
REFRESH MATERIALIZED VIEW weekly_performance_summary;
