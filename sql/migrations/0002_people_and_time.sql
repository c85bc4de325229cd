-- People, rules, standards, reports, and what grows with time: partitioned by month, with a default partition for strays.

CREATE TABLE agentforge.users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username text NOT NULL UNIQUE CHECK (username ~ '^[a-z0-9][a-z0-9._-]{0,49}$'),
    email text UNIQUE CHECK (email ~ '^[^@\s]+@[^@\s]+$'),
    password_digest text NOT NULL CHECK (password_digest LIKE '$argon2id$%'),
    role text NOT NULL DEFAULT 'developer' CHECK (role IN ('admin', 'developer', 'auditor', 'viewer')),
    is_active boolean NOT NULL DEFAULT true,
    failed_logins integer NOT NULL DEFAULT 0 CHECK (failed_logins >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    last_login timestamptz
);
CREATE TRIGGER users_updated_at BEFORE UPDATE ON agentforge.users
    FOR EACH ROW EXECUTE FUNCTION agentforge.set_updated_at();

-- A session is known by the SHA-256 of its token; the token itself is never stored.
CREATE TABLE agentforge.user_sessions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES agentforge.users ON DELETE CASCADE,
    token_digest bytea NOT NULL UNIQUE CHECK (octet_length(token_digest) = 32),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ip_address inet,
    user_agent text,
    CHECK (expires_at > created_at)
);
CREATE INDEX user_sessions_user ON agentforge.user_sessions (user_id);
CREATE INDEX user_sessions_expiry ON agentforge.user_sessions (expires_at);

CREATE TABLE agentforge.user_permissions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES agentforge.users ON DELETE CASCADE,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    permission text NOT NULL CHECK (permission IN ('read', 'write', 'admin')),
    granted_at timestamptz NOT NULL DEFAULT now(),
    granted_by bigint REFERENCES agentforge.users ON DELETE SET NULL,
    UNIQUE (user_id, project_id)
);
CREATE INDEX user_permissions_project ON agentforge.user_permissions (project_id);
CREATE INDEX user_permissions_granted_by ON agentforge.user_permissions (granted_by);

ALTER TABLE agentforge.projects ADD COLUMN created_by bigint REFERENCES agentforge.users ON DELETE SET NULL;
CREATE INDEX projects_created_by ON agentforge.projects (created_by);

CREATE TABLE agentforge.quality_rules (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    language text NOT NULL,
    rule_id text NOT NULL,
    rule_name text NOT NULL,
    rule_description text NOT NULL,
    category text NOT NULL CHECK (category IN ('quality', 'security', 'reliability', 'performance')),
    severity text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
    is_enabled boolean NOT NULL DEFAULT true,
    configuration jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (language, rule_id)
);
CREATE TRIGGER quality_rules_updated_at BEFORE UPDATE ON agentforge.quality_rules
    FOR EACH ROW EXECUTE FUNCTION agentforge.set_updated_at();

-- One row a check; a check is never changed.
CREATE TABLE agentforge.standards_compliance (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    standard_name text NOT NULL,
    standard_version text NOT NULL DEFAULT '',
    compliance_score double precision NOT NULL CHECK (compliance_score BETWEEN 0 AND 100),
    total_checks integer NOT NULL CHECK (total_checks >= 0),
    passed_checks integer NOT NULL CHECK (passed_checks >= 0),
    failed_checks integer NOT NULL CHECK (failed_checks >= 0),
    violations jsonb NOT NULL DEFAULT '[]',
    last_checked_at timestamptz NOT NULL DEFAULT now(),
    next_check_due timestamptz,
    CHECK (passed_checks + failed_checks <= total_checks)
);
CREATE INDEX standards_compliance_project_score ON agentforge.standards_compliance (project_id, compliance_score DESC);
CREATE INDEX standards_compliance_checked ON agentforge.standards_compliance (last_checked_at);

CREATE TABLE agentforge.compliance_reports (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    report_type text NOT NULL,
    report_period_start date NOT NULL,
    report_period_end date NOT NULL,
    overall_score double precision CHECK (overall_score BETWEEN 0 AND 100),
    detailed_results jsonb NOT NULL DEFAULT '{}',
    generated_by bigint REFERENCES agentforge.users ON DELETE SET NULL,
    generated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (report_period_end >= report_period_start)
);
CREATE INDEX compliance_reports_project_period
    ON agentforge.compliance_reports (project_id, report_period_start, report_period_end);
CREATE INDEX compliance_reports_generated_by ON agentforge.compliance_reports (generated_by);

CREATE TABLE agentforge.pattern_embeddings (
    id bigint GENERATED ALWAYS AS IDENTITY,
    model_id integer NOT NULL REFERENCES agentforge.embedding_models,
    pattern_type text NOT NULL,
    pattern_name text NOT NULL,
    embedding halfvec NOT NULL,
    description text NOT NULL DEFAULT '',
    examples jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model_id, id),
    UNIQUE (model_id, pattern_type, pattern_name)
);

CREATE TABLE agentforge.api_requests (
    id bigint GENERATED ALWAYS AS IDENTITY,
    endpoint text NOT NULL,
    method text NOT NULL,
    user_id bigint REFERENCES agentforge.users ON DELETE SET NULL,
    request_id uuid NOT NULL,
    request_body jsonb,
    response_status integer,
    response_time_ms double precision CHECK (response_time_ms >= 0),
    ip_address inet,
    user_agent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at),
    UNIQUE (request_id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE agentforge.api_requests_default PARTITION OF agentforge.api_requests DEFAULT;
CREATE INDEX api_requests_endpoint_time ON agentforge.api_requests (endpoint, created_at DESC);
CREATE INDEX api_requests_user_time ON agentforge.api_requests (user_id, created_at DESC);

CREATE TABLE agentforge.error_logs (
    id bigint GENERATED ALWAYS AS IDENTITY,
    error_type text NOT NULL,
    error_message text NOT NULL,
    stack_trace text,
    user_id bigint REFERENCES agentforge.users ON DELETE SET NULL,
    request_id uuid,
    context jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE agentforge.error_logs_default PARTITION OF agentforge.error_logs DEFAULT;
CREATE INDEX error_logs_user_time ON agentforge.error_logs (user_id, created_at DESC);
CREATE INDEX error_logs_request ON agentforge.error_logs (request_id);

CREATE TABLE agentforge.audit_logs (
    id bigint GENERATED ALWAYS AS IDENTITY,
    user_id bigint,
    database_user text NOT NULL DEFAULT session_user,
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id bigint,
    project_id bigint,
    old_values jsonb,
    new_values jsonb,
    row_count bigint CHECK (row_count >= 0),
    request_id uuid,
    ip_address inet,
    user_agent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE TABLE agentforge.audit_logs_default PARTITION OF agentforge.audit_logs DEFAULT;
CREATE INDEX audit_logs_user_action ON agentforge.audit_logs (user_id, action);
CREATE INDEX audit_logs_resource ON agentforge.audit_logs (resource_type, resource_id);
CREATE INDEX audit_logs_created ON agentforge.audit_logs (created_at);

-- How long each partitioned table is kept.
CREATE TABLE agentforge.partition_settings (
    table_name text PRIMARY KEY,
    retention interval NOT NULL CHECK (retention >= interval '1 month')
);
INSERT INTO agentforge.partition_settings (table_name, retention) VALUES
    ('performance_metrics', interval '1 year'),
    ('api_requests', interval '6 months'),
    ('error_logs', interval '1 year'),
    ('audit_logs', interval '2 years');

-- Every partition with its range. A default has none.
CREATE VIEW agentforge.partitions WITH (security_invoker = true) AS
SELECT parent.relname::text AS table_name,
       child.relname::text AS partition_name,
       child.oid AS partition_oid,
       pg_get_expr(child.relpartbound, child.oid) = 'DEFAULT' AS is_default,
       substring(pg_get_expr(child.relpartbound, child.oid) FROM $$FROM \('([^']+)'\)$$)::timestamptz AS range_start,
       substring(pg_get_expr(child.relpartbound, child.oid) FROM $$TO \('([^']+)'\)$$)::timestamptz AS range_end,
       greatest(child.reltuples, 0)::bigint AS estimated_rows,
       pg_total_relation_size(child.oid) AS bytes
FROM agentforge.partition_settings AS s
JOIN pg_class AS parent ON parent.relname = s.table_name AND parent.relnamespace = 'agentforge'::regnamespace
JOIN pg_inherits AS i ON i.inhparent = parent.oid
JOIN pg_class AS child ON child.oid = i.inhrelid;

-- The months for which a table wants partitions: from that of `at` to `months_ahead` later, and those of strays in the
-- default. Months are those of UTC, so no clock change makes one too long.
CREATE FUNCTION agentforge.missing_months(wanted text, months_ahead integer, at timestamptz)
    RETURNS TABLE (partition_name text, low timestamptz, high timestamptz) LANGUAGE plpgsql AS $$
DECLARE
    key_column text;
BEGIN
    SELECT a.attname INTO key_column
    FROM agentforge.partition_settings AS s
    JOIN pg_partitioned_table AS p ON p.partrelid = format('agentforge.%I', s.table_name)::regclass
    JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE s.table_name = wanted;
    IF key_column IS NULL THEN
        RAISE EXCEPTION 'there is no partitioned table %', wanted;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT name, month AT TIME ZONE ''UTC'', (month + interval ''1 month'') AT TIME ZONE ''UTC'' FROM ('
        'SELECT month, $3 || to_char(month, ''"_y"YYYY"m"MM'') AS name FROM ('
        'SELECT date_trunc(''month'', %1$I AT TIME ZONE ''UTC'') AS month FROM agentforge.%2$I GROUP BY 1 '
        'UNION SELECT generate_series(date_trunc(''month'', $1 AT TIME ZONE ''UTC''), '
        'date_trunc(''month'', $1 AT TIME ZONE ''UTC'') + make_interval(months => $2), interval ''1 month'')'
        ') AS months) AS named WHERE to_regclass(format(''agentforge.%%I'', name)) IS NULL ORDER BY month',
        key_column, wanted || '_default'
    ) USING at, months_ahead, wanted;
END
$$;

-- Make the partitions that are missing, and move strays there. Returns what was made, and the rows moved to it.
CREATE FUNCTION agentforge.rollover_partitions(
    wanted text, months_ahead integer DEFAULT 3, at timestamptz DEFAULT now()
) RETURNS TABLE (partition_name text, moved bigint) LANGUAGE plpgsql AS $$
DECLARE
    key_column text;
    missing record;
BEGIN
    IF NOT EXISTS (SELECT FROM agentforge.missing_months(wanted, months_ahead, at)) THEN
        RETURN;  -- without a lock, on nearly all days
    END IF;
    -- Writers must wait before they choose a partition: one that had chosen the default would find it closed to its row.
    EXECUTE format('LOCK TABLE agentforge.%I IN ACCESS EXCLUSIVE MODE', wanted);
    SELECT a.attname INTO STRICT key_column
    FROM pg_partitioned_table AS p
    JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = format('agentforge.%I', wanted)::regclass;
    FOR missing IN SELECT * FROM agentforge.missing_months(wanted, months_ahead, at) LOOP
        partition_name := missing.partition_name;
        EXECUTE format(
            'CREATE TABLE agentforge.%I (LIKE agentforge.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition_name, wanted
        );
        EXECUTE format(
            'WITH strays AS (DELETE FROM agentforge.%1$I WHERE %2$I >= $1 AND %2$I < $2 RETURNING *) '
            'INSERT INTO agentforge.%3$I SELECT * FROM strays',
            wanted || '_default', key_column, partition_name
        ) USING missing.low, missing.high;
        GET DIAGNOSTICS moved = ROW_COUNT;
        EXECUTE format(
            'ALTER TABLE agentforge.%I ATTACH PARTITION agentforge.%I FOR VALUES FROM (%L) TO (%L)',
            wanted, partition_name, missing.low, missing.high
        );
        RETURN NEXT;
    END LOOP;
END
$$;

-- The partitions that ended longer ago than their table is kept.
CREATE FUNCTION agentforge.expired_partitions(at timestamptz DEFAULT now())
    RETURNS TABLE (table_name text, partition_name text, range_end timestamptz) LANGUAGE sql STABLE AS $$
    SELECT p.table_name, p.partition_name, p.range_end
    FROM agentforge.partitions AS p JOIN agentforge.partition_settings AS s USING (table_name)
    WHERE p.range_end <= at - s.retention
    ORDER BY p.range_end, p.partition_name
$$;

-- Detach a partition, and drop it unless it is to be kept.
CREATE FUNCTION agentforge.retire_partition(wanted text, keep boolean DEFAULT false) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
BEGIN
    SELECT table_name INTO parent FROM agentforge.partitions WHERE partition_name = wanted AND NOT is_default;
    IF parent IS NULL THEN
        RAISE EXCEPTION 'there is no partition %', wanted;
    END IF;
    EXECUTE format('ALTER TABLE agentforge.%I DETACH PARTITION agentforge.%I', parent, wanted);
    IF NOT keep THEN
        EXECUTE format('DROP TABLE agentforge.%I', wanted);
    END IF;
END
$$;

-- Drop what is past its retention, and sessions that have expired. Returns how many of each.
CREATE FUNCTION agentforge.cleanup_old_data(
    at timestamptz DEFAULT now(), OUT partitions_dropped bigint, OUT sessions_deleted bigint
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT count(agentforge.retire_partition(e.partition_name)) INTO partitions_dropped
    FROM agentforge.expired_partitions(at) AS e;
    DELETE FROM agentforge.user_sessions WHERE expires_at < at;
    GET DIAGNOSTICS sessions_deleted = ROW_COUNT;
END
$$;

CREATE MATERIALIZED VIEW agentforge.daily_compliance_summary AS
SELECT (last_checked_at AT TIME ZONE 'UTC')::date AS date,
       project_id,
       avg(compliance_score) AS avg_score,
       count(*) AS total_checks,
       count(*) FILTER (WHERE compliance_score >= 85) AS compliant_checks
FROM agentforge.standards_compliance
GROUP BY 1, 2;
CREATE UNIQUE INDEX daily_compliance_summary_key ON agentforge.daily_compliance_summary (date, project_id);

CREATE MATERIALIZED VIEW agentforge.weekly_performance_summary AS
SELECT date_trunc('week', recorded_at AT TIME ZONE 'UTC') AS week_start,
       metric_name,
       avg(metric_value) AS avg_value,
       min(metric_value) AS min_value,
       max(metric_value) AS max_value,
       count(*) AS sample_count
FROM agentforge.performance_metrics
GROUP BY 1, 2;
CREATE UNIQUE INDEX weekly_performance_summary_key ON agentforge.weekly_performance_summary (week_start, metric_name);

CREATE FUNCTION agentforge.refresh_materialized_views() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    REFRESH MATERIALIZED VIEW CONCURRENTLY agentforge.daily_compliance_summary;
    REFRESH MATERIALIZED VIEW CONCURRENTLY agentforge.weekly_performance_summary;
END
$$;

-- Statements that take more than 100 ms in the mean; none where pg_stat_statements is not installed.
CREATE FUNCTION agentforge.slow_statements() RETURNS TABLE (
    query text, calls bigint, total_exec_time double precision, mean_exec_time double precision, rows bigint,
    hit_percent double precision
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    home text;
BEGIN
    SELECT extnamespace::regnamespace::text INTO home FROM pg_extension WHERE extname = 'pg_stat_statements';
    IF home IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT s.query, s.calls, s.total_exec_time, s.mean_exec_time, s.rows, '
        '100.0 * s.shared_blks_hit / nullif(s.shared_blks_hit + s.shared_blks_read, 0)::double precision '
        'FROM %s.pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid AND d.datname = current_database() '
        'WHERE s.mean_exec_time > 100', home
    );
END
$$;
CREATE VIEW agentforge.slow_queries AS
SELECT * FROM agentforge.slow_statements() ORDER BY mean_exec_time DESC;

CREATE VIEW agentforge.index_usage_stats AS
SELECT schemaname, relname, indexrelname, idx_scan, idx_tup_read, idx_tup_fetch,
       pg_relation_size(indexrelid) AS bytes
FROM pg_stat_user_indexes
WHERE schemaname = 'agentforge'
ORDER BY idx_scan DESC;
