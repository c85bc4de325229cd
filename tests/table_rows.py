"""A valid row of every table, in SQL, and how to change it."""

from __future__ import annotations

DIGEST = "$argon2id$secret-of-a-password"
VECTOR = "(SELECT format('[1%s]', repeat(',0', dimension - 1)) FROM embedding_models ORDER BY id LIMIT 1)::halfvec"
PROJECT, MODEL = "(SELECT min(id) FROM projects)", "(SELECT min(id) FROM embedding_models)"
# A valid row of each table that is no partition, in an order in which they can be made, and how to change it.
ROWS: dict[str, tuple[dict[str, str], str]] = {
    "schema_migrations": ({"name": "'9999_x'", "checksum": "'c'"}, "checksum = 'd'"),
    "partition_settings": ({"table_name": "'other'", "retention": "'1 year'"}, "retention = '5 years'"),
    "users": ({"username": "'ada'", "password_digest": f"'{DIGEST}'"}, "failed_logins = 7"),
    "user_sessions": (
        {
            "user_id": "(SELECT max(id) FROM users)",
            "token_digest": "sha256('t')",
            "expires_at": "now() + interval '1 day'",
        },
        "user_agent = 'x'",
    ),
    "login_secret": ({"singleton": "true", "secret": "sha256('s')"}, "secret = sha256('u')"),
    "projects": ({"key": "'k'", "name": "'n'"}, "description = 'd'"),
    "user_scopes": ({"user_id": "(SELECT max(id) FROM users)"}, "readable = '{1}'"),
    "user_permissions": (
        {"user_id": "(SELECT max(id) FROM users)", "project_id": PROJECT, "permission": "'read'"},
        "permission = 'write'",
    ),
    "embedding_models": ({"name": "'x'", "version": "'1'", "dimension": "2"}, "version = version || 'x'"),
    "embedding_centres": ({"model_id": MODEL, "language": "''", "pieces": "1", "mean": "'{1,0}'"}, "pieces = 2"),
    "quality_rules": (
        {
            "language": "'python'",
            "rule_id": "'r'",
            "rule_name": "'r'",
            "rule_description": "''",
            "category": "'quality'",
            "severity": "'low'",
        },
        "is_enabled = false",
    ),
    "project_analyses": ({"project_id": PROJECT, "branch": "'main'", "engine_version": "'0'"}, "commit = 'c'"),
    "file_analyses": (
        {
            "project_id": PROJECT,
            "project_analysis_id": "(SELECT min(id) FROM project_analyses)",
            "branch": "'main'",
            "file_path": "'a.py'",
            "content_hash": "repeat('0', 64)",
            "engine_version": "'0'",
            **dict.fromkeys(
                ("file_size", "physical_lines", "lines_of_code", "comment_lines", "blank_lines", "function_count"), "1"
            ),
            **dict.fromkeys(("class_count", "complexity_score", "quality_score", "security_score"), "1"),
            "model_id": MODEL,
        },
        "is_test = true",
    ),
    "functions": (
        {
            "project_id": PROJECT,
            "file_analysis_id": "(SELECT min(id) FROM file_analyses)",
            **dict.fromkeys(("function_name", "qualified_name", "function_signature", "code_hash", "code"), "'f'"),
            **dict.fromkeys(("start_line", "end_line", "lines_of_code", "parameters", "cyclomatic", "cognitive"), "1"),
            **dict.fromkeys(("nesting", "distinct_operators", "distinct_operands", "operators", "operands"), "1"),
            **dict.fromkeys(("halstead_volume", "halstead_difficulty", "halstead_effort"), "1"),
            "maintainability_index": "1",
        },
        "cognitive = 5",
    ),
    "code_chunks": (
        {
            "project_id": PROJECT,
            "file_analysis_id": "(SELECT min(id) FROM file_analyses)",
            "kind": "'module'",
            **dict.fromkeys(("name", "code_hash", "code"), "'f'"),
            "start_line": "1",
            "end_line": "1",
        },
        "end_line = 2",
    ),
    "function_embeddings": (
        {
            "function_id": "(SELECT min(id) FROM functions)",
            "project_id": PROJECT,
            "model_id": MODEL,
            "branch": "'main'",
            "file_type": "'python'",
            "embedding": VECTOR,
        },
        "embedding = embedding",
    ),
    "code_embeddings": (
        {
            "chunk_id": "(SELECT min(id) FROM code_chunks)",
            "project_id": PROJECT,
            "model_id": MODEL,
            "embedding": VECTOR,
        },
        "embedding = embedding",
    ),
    "function_neighbours": (
        {
            "model_id": MODEL,
            "function_id": "(SELECT min(id) FROM functions)",
            "neighbours": "array_fill(0, ARRAY[64])",
        },
        "neighbours = array_fill(1, ARRAY[64])",
    ),
    "unlisted_vectors": (
        {"function_id": "(SELECT min(id) FROM functions)", "model_id": MODEL, "embedding": VECTOR},
        "embedding = embedding",
    ),
    "function_idioms": (
        {
            "project_id": PROJECT,
            "function_id": "(SELECT min(id) FROM functions)",
            "pattern_name": "'builder-step'",
        },
        "pattern_name = 'lru-cache'",
    ),
    "function_duplicates": (
        {
            "project_id": PROJECT,
            "function_id": "(SELECT min(id) FROM functions)",
            "other_function_id": "(SELECT max(id) FROM functions)",
            "score": "1",
        },
        "score = 0.5",
    ),
    "code_violations": (
        {
            "project_id": PROJECT,
            "branch": "'main'",
            "file_path": "'a.py'",
            **dict.fromkeys(("rule_id", "rule_name", "message", "suggestion", "function_name", "line_hash"), "'x'"),
            "category": "'quality'",
            "severity": "'low'",
            "confidence": "'low'",
            **dict.fromkeys(("line_number", "column_number", "end_line", "end_column"), "1"),
            "fingerprint": "repeat('0', 64)",
            "introduced_by": "(SELECT min(id) FROM project_analyses)",
        },
        "message = 'y'",
    ),
    "violation_waivers": (
        {
            "project_id": PROJECT,
            **dict.fromkeys(("rule_id", "file_path", "reason"), "'x'"),
            "fingerprint": "repeat('0', 64)",
        },
        "ended_at = now()",
    ),
    "violation_events": (
        {"project_id": PROJECT, "violation_id": "(SELECT min(id) FROM code_violations)", "event": "'fixed'"},
        "detail = 'y'",
    ),
    "standards_compliance": (
        {
            "project_id": PROJECT,
            "standard_name": "'s'",
            "compliance_score": "80",
            **dict.fromkeys(("total_checks", "passed_checks", "failed_checks"), "0"),
        },
        "compliance_score = 80.5",
    ),
    "compliance_reports": (
        {
            "project_id": PROJECT,
            "report_type": "'monthly'",
            "report_period_start": "'2026-01-01'",
            "report_period_end": "'2026-01-31'",
        },
        "overall_score = 1",
    ),
    "pattern_embeddings": (
        {"model_id": MODEL, "pattern_type": "'idiom'", "pattern_name": "'p'", "embedding": VECTOR},
        "description = 'd'",
    ),
    "performance_metrics": ({"metric_name": "'m'", "metric_value": "1"}, "metric_unit = 's'"),
    "api_requests": ({"endpoint": "'e'", "method": "'CLI'", "request_id": "gen_random_uuid()"}, "response_status = 1"),
    "error_logs": ({"error_type": "'e'", "error_message": "'m'"}, "stack_trace = 's'"),
    "audit_logs": ({"action": "'MOVE'", "resource_type": "'x'"}, "row_count = 1"),
    "audit_chain": (
        {
            "month": "'2020-01-01'",
            "position": "1",
            "log_id": "1",
            "log_created_at": "'2020-01-02'",
            "hash": "sha256('')",
        },
        "position = 2",
    ),
}
