-- Every write to a table of this schema leaves a row in audit_logs: triggers, a statement each. docs/audit.md is the guide.

-- Who acts in this session, and from where. What the client says of itself is taken as it is, but breaks nothing.
CREATE FUNCTION agentforge.audit_origin(
    OUT user_id bigint, OUT database_user text, OUT request_id uuid, OUT ip_address inet, OUT user_agent text
) LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT agentforge.current_user_id(), session_user::text,
           CASE WHEN pg_input_is_valid(current_setting('agentforge.request_id', true), 'uuid')
                THEN current_setting('agentforge.request_id', true)::uuid END,
           inet_client_addr(), nullif(current_setting('application_name'), '')
$$;

-- One row about a whole statement, or about something that no trigger sees.
CREATE FUNCTION agentforge.add_audit_entry(
    action text, resource_type text, row_count bigint DEFAULT NULL, project_id bigint DEFAULT NULL
) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO agentforge.audit_logs
        (user_id, database_user, action, resource_type, row_count, project_id, request_id, ip_address, user_agent, created_at)
    SELECT o.user_id, o.database_user, $1, $2, $3, $4, o.request_id, o.ip_address, o.user_agent, clock_timestamp()
    FROM agentforge.audit_origin() AS o
$$;

-- The changed columns of a row, as they were and as they are; NULL for none. Columns that are not in `shown` appear as
-- '[redacted]', so a new column shows nothing until somebody allows it. `keys` name the row where it has no id.
CREATE FUNCTION agentforge.audit_values(
    before jsonb, after jsonb, shown text[], keys text[], OUT old_values jsonb, OUT new_values jsonb
) LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH columns AS (
        SELECT key, o.value AS old, n.value AS new, key = ANY (shown || keys) AS is_shown, key = ANY (keys) AS is_key,
               coalesce(o.value, 'null') <> coalesce(n.value, 'null') AND key NOT IN ('id', 'updated_at') AS is_changed
        FROM jsonb_each(before) AS o FULL JOIN jsonb_each(after) AS n USING (key)
    )
    SELECT jsonb_object_agg(key, CASE WHEN is_shown THEN old ELSE '"[redacted]"' END)
               FILTER (WHERE before IS NOT NULL AND (is_changed OR is_key)),
           jsonb_object_agg(key, CASE WHEN is_shown THEN new ELSE '"[redacted]"' END)
               FILTER (WHERE after IS NOT NULL AND is_changed)
    FROM columns
$$;

-- Who did it, when what was changed is what told: a session that is ended by its own user, a user who disables himself.
CREATE FUNCTION agentforge.former_user(changed text, before jsonb[]) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH presented AS (SELECT sha256(convert_to(current_setting('agentforge.session_token', true), 'UTF8')) AS digest)
    SELECT CASE changed
        WHEN 'user_sessions' THEN (
            SELECT (b ->> 'user_id')::bigint FROM unnest(before) AS b
            WHERE (b ->> 'token_digest')::bytea = digest AND (b ->> 'expires_at')::timestamptz > statement_timestamp())
        WHEN 'users' THEN (
            SELECT s.user_id FROM agentforge.user_sessions AS s JOIN unnest(before) AS b ON (b ->> 'id')::bigint = s.user_id
            WHERE s.token_digest = digest AND s.expires_at > statement_timestamp() AND (b ->> 'is_active')::boolean)
        END
    FROM presented
$$;

-- The trigger. Its arguments: `row` or `statement`, the columns that may be shown, those that name a row without an id, and
-- the column that holds the project. The rows of one UPDATE stand in both transition tables in the same order. How values
-- become text is fixed: a session that rounds floating-point numbers would hide what it changes.
CREATE FUNCTION agentforge.write_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET extra_float_digits = 1 SET timezone = 'UTC' SET intervalstyle = 'postgres' SET bytea_output = 'hex' AS $$
DECLARE
    before jsonb[];
    after jsonb[];
    found_rows bigint;
    found_project bigint;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM agentforge.add_audit_entry(TG_OP, TG_TABLE_NAME);
        RETURN NULL;
    ELSIF TG_ARGV[0] = 'statement' THEN
        EXECUTE format(
            'SELECT count(*), CASE WHEN count(%2$s) = count(*) AND min(%2$s) = max(%2$s) THEN min(%2$s) END FROM %1$I',
            CASE TG_OP WHEN 'DELETE' THEN 'old_rows' ELSE 'new_rows' END,
            CASE WHEN TG_ARGV[3] = '' THEN 'NULL::bigint' ELSE quote_ident(TG_ARGV[3]) END
        ) INTO found_rows, found_project;
        IF found_rows > 0 THEN
            PERFORM agentforge.add_audit_entry(TG_OP, TG_TABLE_NAME, found_rows, found_project);
        END IF;
        RETURN NULL;
    ELSIF TG_LEVEL = 'ROW' THEN
        before := CASE WHEN TG_OP <> 'INSERT' THEN ARRAY[to_jsonb(OLD)] END;
        after := CASE WHEN TG_OP <> 'DELETE' THEN ARRAY[to_jsonb(NEW)] END;
    ELSE
        IF TG_OP <> 'INSERT' THEN
            SELECT array_agg(to_jsonb(o)) INTO before FROM old_rows AS o;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            SELECT array_agg(to_jsonb(n)) INTO after FROM new_rows AS n;
        END IF;
    END IF;
    INSERT INTO agentforge.audit_logs
        (user_id, database_user, action, resource_type, resource_id, project_id, old_values, new_values, row_count,
         request_id, ip_address, user_agent, created_at)
    SELECT coalesce(o.user_id, agentforge.former_user(TG_TABLE_NAME, before)), o.database_user, TG_OP, TG_TABLE_NAME,
           CASE WHEN jsonb_typeof(r.image -> 'id') = 'number' THEN (r.image ->> 'id')::bigint END,
           (r.image ->> TG_ARGV[3])::bigint, v.old_values, v.new_values, 1, o.request_id, o.ip_address, o.user_agent,
           clock_timestamp()
    FROM agentforge.audit_origin() AS o
    CROSS JOIN (SELECT b, a, coalesce(a, b) AS image FROM unnest(before, after) AS both_images (b, a)) AS r
    CROSS JOIN LATERAL agentforge.audit_values(r.b, r.a, TG_ARGV[1]::text[], TG_ARGV[2]::text[]) AS v
    WHERE TG_OP <> 'UPDATE' OR v.new_values IS NOT NULL;
    RETURN NULL;
END
$$;

-- The arguments of a table's triggers, quoted.
CREATE FUNCTION agentforge.audit_arguments(target regclass, mode text, shown text[]) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT concat_ws(', ', quote_literal(mode), quote_literal(shown), quote_literal(keys), quote_literal(project))
    FROM (
        SELECT coalesce(array_agg(a.attname::text ORDER BY a.attnum)
                   FILTER (WHERE NOT has_id AND a.attnum = ANY (key.indkey)), '{}') AS keys,
               CASE WHEN target = 'agentforge.projects'::regclass THEN 'id'
                    WHEN bool_or(a.attname = 'project_id') THEN 'project_id' ELSE '' END AS project
        FROM pg_attribute AS a
        LEFT JOIN pg_index AS key ON key.indrelid = a.attrelid AND key.indisprimary
        CROSS JOIN (SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = target AND attname = 'id') AS has_id) AS i
        WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped
    ) AS found
$$;

-- Give a table its triggers, or give it others. Mode `row` is for what people change: a row of audit for each changed row,
-- with the values of the columns in `shown`. Mode `statement` counts. Partitions want triggers of their own, because those
-- of a parent do not see what is written to a partition by its name.
CREATE FUNCTION agentforge.audit_table(target regclass, mode text DEFAULT 'statement', shown text[] DEFAULT '{}')
    RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    event text;
BEGIN
    IF mode NOT IN ('row', 'statement') THEN
        RAISE EXCEPTION 'there is no mode % of audit', mode;
    END IF;
    FOREACH event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER audit_%s AFTER %s ON %s %s FOR EACH STATEMENT %s '
            'EXECUTE FUNCTION agentforge.write_audit(%s)',
            lower(event), event, target,
            CASE event WHEN 'INSERT' THEN 'REFERENCING NEW TABLE AS new_rows'
                       WHEN 'UPDATE' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
                       WHEN 'DELETE' THEN 'REFERENCING OLD TABLE AS old_rows' ELSE '' END,
            -- The trigger's own rows are not audited, or there would be no end to it.
            CASE WHEN target = 'agentforge.audit_logs'::regclass AND event = 'INSERT'
                 THEN 'WHEN (pg_trigger_depth() = 0)' ELSE '' END,
            agentforge.audit_arguments(target, mode, shown)
        );
    END LOOP;
END
$$;

-- Rows of code_violations that become waived, or are no longer: who did that, beside the counts of the statement.
CREATE FUNCTION agentforge.audit_waivers(shown text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    arguments text := agentforge.audit_arguments('agentforge.code_violations', 'row', shown);
BEGIN
    EXECUTE 'CREATE OR REPLACE TRIGGER audit_waiver_insert AFTER INSERT ON agentforge.code_violations FOR EACH ROW '
        'WHEN (NEW.status = ''waived'') EXECUTE FUNCTION agentforge.write_audit(' || arguments || ')';
    EXECUTE 'CREATE OR REPLACE TRIGGER audit_waiver_update AFTER UPDATE ON agentforge.code_violations FOR EACH ROW '
        'WHEN ((OLD.status = ''waived'') <> (NEW.status = ''waived'')) '
        'EXECUTE FUNCTION agentforge.write_audit(' || arguments || ')';
    EXECUTE 'CREATE OR REPLACE TRIGGER audit_waiver_delete AFTER DELETE ON agentforge.code_violations FOR EACH ROW '
        'WHEN (OLD.status = ''waived'') EXECUTE FUNCTION agentforge.write_audit(' || arguments || ')';
END
$$;

-- The hash chain over audit_logs, a chain a month of UTC; agentforge/store/audit_chain.py writes and verifies it.
CREATE TABLE agentforge.audit_chain (
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    position bigint NOT NULL CHECK (position > 0),
    log_id bigint NOT NULL,
    log_created_at timestamptz NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    key_id text CHECK (key_id ~ '^[0-9a-f]{16}$'),
    chained_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (month, position)
);
CREATE UNIQUE INDEX audit_chain_log ON agentforge.audit_chain (log_created_at, log_id);
ALTER TABLE agentforge.audit_chain ENABLE ROW LEVEL SECURITY;
ALTER TABLE agentforge.audit_chain FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_chain_owner ON agentforge.audit_chain TO agentforge_owner USING (true) WITH CHECK (true);

-- A month whose rows retention drops loses its chain, too.
CREATE FUNCTION agentforge.drop_chain(dropped_month date) RETURNS bigint
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (DELETE FROM agentforge.audit_chain WHERE month = date_trunc('month', dropped_month)::date RETURNING 1)
    SELECT count(*) FROM gone
$$;

-- What grows by itself or is loaded in bulk is counted; partitions and parents alike.
SELECT agentforge.audit_table(oid::regclass)
FROM pg_class WHERE relnamespace = 'agentforge'::regnamespace AND relkind IN ('r', 'p');

-- What people change is shown.
SELECT agentforge.audit_table(('agentforge.' || name)::regclass, 'row', shown::text[])
FROM (VALUES
    ('users', '{username,role,is_active,failed_logins,last_login,created_at}'),
    ('user_sessions', '{user_id,expires_at,created_at,ip_address,user_agent}'),
    ('user_permissions', '{user_id,project_id,permission,granted_at,granted_by}'),
    ('projects', '{key,name,description,local_path,status,created_by,created_at,last_analyzed_at}'),
    ('project_analyses',
     '{project_id,analysis_type,branch,commit,engine_version,model_id,scopes,started_at,completed_at,status}'),
    ('quality_rules', '{language,rule_id,rule_name,rule_description,category,severity,is_enabled,configuration,created_at}'),
    ('standards_compliance',
     '{project_id,standard_name,standard_version,compliance_score,total_checks,passed_checks,failed_checks,last_checked_at,
       next_check_due}'),
    ('compliance_reports',
     '{project_id,report_type,report_period_start,report_period_end,overall_score,generated_by,generated_at}'),
    ('pattern_embeddings', '{model_id,pattern_type,pattern_name,description,created_at}'),
    ('embedding_models', '{name,version,dimension,created_at}'),
    ('partition_settings', '{table_name,retention}'),
    ('schema_migrations', '{name,checksum,applied_at}')
) AS audited (name, shown);
SELECT agentforge.audit_waivers(
    '{project_id,branch,file_path,rule_id,category,severity,line_number,fingerprint,status,resolved_by,resolved_at}'
);
