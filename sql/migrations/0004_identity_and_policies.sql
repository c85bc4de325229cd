-- Who asks, and what he may see and change. agentforge_owner owns everything; the tool works as agentforge_app, which owns
-- nothing and whom row-level security binds. Identity is a session token, never a name that the client says.

ALTER DEFAULT PRIVILEGES FOR ROLE agentforge_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN
        SELECT oid::regprocedure FROM pg_catalog.pg_proc
        WHERE pronamespace = 'agentforge'::regnamespace AND proowner = 'agentforge_owner'::regrole
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
    END LOOP;
END
$$;

-- The one user of an embedded server, and of whoever connects as the owner of the schema. It has no password, so nobody can
-- log in as it.
ALTER TABLE agentforge.users ALTER COLUMN password_digest DROP NOT NULL;
INSERT INTO agentforge.users (username, role) VALUES ('local', 'admin') ON CONFLICT DO NOTHING;

-- identity ------------------------------------------------------------------------------------------------------------

-- Whether the session was opened by the owner of the schema or by a superuser. SET ROLE does not change it.
CREATE FUNCTION agentforge.is_operator() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_has_role(session_user, 'agentforge_owner', 'MEMBER')
$$;

-- The user whose token the session presents, while that session has not expired and the user is active; the local user for an
-- operator who presents none; NULL for everybody else.
CREATE FUNCTION agentforge.current_user_id() RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token text := current_setting('agentforge.session_token', true);
    found bigint;
BEGIN
    IF coalesce(token, '') <> '' THEN
        SELECT u.id INTO found
        FROM agentforge.user_sessions AS s JOIN agentforge.users AS u ON u.id = s.user_id
        WHERE s.token_digest = sha256(convert_to(token, 'UTF8')) AND s.expires_at > statement_timestamp() AND u.is_active;
    ELSIF agentforge.is_operator() THEN
        SELECT u.id INTO found FROM agentforge.users AS u WHERE u.username = 'local';
    END IF;
    RETURN found;
END
$$;

CREATE FUNCTION agentforge.current_user_role() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.role FROM agentforge.users AS u WHERE u.id = agentforge.current_user_id()
$$;

CREATE FUNCTION agentforge.reads_everything() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(agentforge.current_user_role() IN ('admin', 'auditor'), false)
$$;

CREATE FUNCTION agentforge.writes_everything() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(agentforge.current_user_role() = 'admin', false)
$$;

-- What a level on a project allows: each one includes those before it. A viewer never does more than read.
CREATE FUNCTION agentforge.permitted_projects(levels text[], roles text[]) RETURNS bigint[]
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(p.project_id ORDER BY p.project_id), '{}')
    FROM agentforge.users AS u JOIN agentforge.user_permissions AS p ON p.user_id = u.id
    WHERE u.id = agentforge.current_user_id() AND u.role = ANY (roles) AND p.permission = ANY (levels)
$$;

-- The projects that the user may read, write and administer. All of them, for whom reads_everything() or
-- writes_everything() holds.
CREATE FUNCTION agentforge.readable_projects() RETURNS bigint[]
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN agentforge.reads_everything()
        THEN (SELECT coalesce(array_agg(p.id ORDER BY p.id), '{}') FROM agentforge.projects AS p)
        ELSE agentforge.permitted_projects('{read,write,admin}', '{developer,viewer}') END
$$;

CREATE FUNCTION agentforge.writable_projects() RETURNS bigint[]
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN agentforge.writes_everything()
        THEN (SELECT coalesce(array_agg(p.id ORDER BY p.id), '{}') FROM agentforge.projects AS p)
        ELSE agentforge.permitted_projects('{write,admin}', '{developer}') END
$$;

CREATE FUNCTION agentforge.administered_projects() RETURNS bigint[]
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN agentforge.writes_everything()
        THEN (SELECT coalesce(array_agg(p.id ORDER BY p.id), '{}') FROM agentforge.projects AS p)
        ELSE agentforge.permitted_projects('{admin}', '{developer}') END
$$;

-- Who creates a project administers it.
CREATE FUNCTION agentforge.give_project_to_creator() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO agentforge.user_permissions (user_id, project_id, permission, granted_by)
    VALUES (NEW.created_by, NEW.id, 'admin', NEW.created_by);
    RETURN NULL;
END
$$;
CREATE TRIGGER projects_creator AFTER INSERT ON agentforge.projects
    FOR EACH ROW WHEN (NEW.created_by IS NOT NULL) EXECUTE FUNCTION agentforge.give_project_to_creator();

ALTER TABLE agentforge.projects ALTER COLUMN created_by SET DEFAULT agentforge.current_user_id();
ALTER TABLE agentforge.api_requests
    ALTER COLUMN user_id SET DEFAULT agentforge.current_user_id(), ALTER COLUMN ip_address SET DEFAULT inet_client_addr();
ALTER TABLE agentforge.error_logs ALTER COLUMN user_id SET DEFAULT agentforge.current_user_id();

-- row-level security ----------------------------------------------------------------------------------------------------

-- Tables whose rows are a project's: who may read it reads them, who may write it writes them.
DO $$
DECLARE
    scoped text;
BEGIN
    FOREACH scoped IN ARRAY ARRAY[
        'project_analyses', 'file_analyses', 'functions', 'code_chunks', 'function_embeddings', 'code_embeddings',
        'function_duplicates', 'code_violations', 'standards_compliance', 'compliance_reports', 'performance_metrics'
    ] LOOP
        EXECUTE format(
            'CREATE POLICY %1$I_read ON agentforge.%1$I FOR SELECT TO agentforge_app USING ('
            '(SELECT agentforge.reads_everything()) '
            'OR project_id = ANY ((SELECT agentforge.readable_projects())::bigint[]))', scoped);
        EXECUTE format(
            'CREATE POLICY %1$I_insert ON agentforge.%1$I FOR INSERT TO agentforge_app WITH CHECK ('
            '(SELECT agentforge.writes_everything()) '
            'OR project_id = ANY ((SELECT agentforge.writable_projects())::bigint[]))', scoped);
        IF scoped <> 'performance_metrics' THEN
            EXECUTE format(
                'CREATE POLICY %1$I_update ON agentforge.%1$I FOR UPDATE TO agentforge_app USING ('
                '(SELECT agentforge.writes_everything()) '
                'OR project_id = ANY ((SELECT agentforge.writable_projects())::bigint[]))', scoped);
            EXECUTE format(
                'CREATE POLICY %1$I_delete ON agentforge.%1$I FOR DELETE TO agentforge_app USING ('
                '(SELECT agentforge.writes_everything()) '
                'OR project_id = ANY ((SELECT agentforge.%2$I())::bigint[]))',
                scoped, CASE scoped WHEN 'compliance_reports' THEN 'administered_projects' ELSE 'writable_projects' END);
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON agentforge.%I TO agentforge_app', scoped);
        END IF;
    END LOOP;
END
$$;
GRANT SELECT, INSERT ON agentforge.performance_metrics TO agentforge_app;
-- What the program measures of itself belongs to no project.
CREATE POLICY performance_metrics_own ON agentforge.performance_metrics FOR INSERT TO agentforge_app
    WITH CHECK (project_id IS NULL AND (SELECT agentforge.current_user_id()) IS NOT NULL);

CREATE POLICY projects_read ON agentforge.projects FOR SELECT TO agentforge_app USING (
    (SELECT agentforge.reads_everything()) OR id = ANY ((SELECT agentforge.readable_projects())::bigint[]));
CREATE POLICY projects_insert ON agentforge.projects FOR INSERT TO agentforge_app WITH CHECK (
    created_by = (SELECT agentforge.current_user_id())
    AND (SELECT agentforge.current_user_role()) IN ('admin', 'developer'));
CREATE POLICY projects_update ON agentforge.projects FOR UPDATE TO agentforge_app USING (
    (SELECT agentforge.writes_everything()) OR id = ANY ((SELECT agentforge.writable_projects())::bigint[]));
CREATE POLICY projects_delete ON agentforge.projects FOR DELETE TO agentforge_app USING (
    (SELECT agentforge.writes_everything()) OR id = ANY ((SELECT agentforge.administered_projects())::bigint[]));
GRANT SELECT, DELETE ON agentforge.projects TO agentforge_app;
GRANT INSERT (key, name, description, repository_url, local_path, technology_stack, metadata) ON agentforge.projects
    TO agentforge_app;
GRANT UPDATE (name, description, repository_url, local_path, technology_stack, last_analyzed_at, status, metadata)
    ON agentforge.projects TO agentforge_app;

-- People: everybody sees himself, admins and auditors everybody; nobody sees a digest. Functions change them.
CREATE POLICY users_read ON agentforge.users FOR SELECT TO agentforge_app USING (
    (SELECT agentforge.reads_everything()) OR id = (SELECT agentforge.current_user_id()));
CREATE POLICY user_sessions_read ON agentforge.user_sessions FOR SELECT TO agentforge_app USING (
    (SELECT agentforge.reads_everything()) OR user_id = (SELECT agentforge.current_user_id()));
CREATE POLICY user_permissions_read ON agentforge.user_permissions FOR SELECT TO agentforge_app USING (
    (SELECT agentforge.reads_everything()) OR user_id = (SELECT agentforge.current_user_id())
    OR project_id = ANY ((SELECT agentforge.administered_projects())::bigint[]));
GRANT SELECT (id, username, email, role, is_active, failed_logins, created_at, updated_at, last_login)
    ON agentforge.users TO agentforge_app;
GRANT SELECT (id, user_id, expires_at, created_at, ip_address, user_agent) ON agentforge.user_sessions TO agentforge_app;
GRANT SELECT ON agentforge.user_permissions TO agentforge_app;

-- Rules and patterns are everybody's.
CREATE POLICY quality_rules_read ON agentforge.quality_rules FOR SELECT TO agentforge_app
    USING ((SELECT agentforge.current_user_id()) IS NOT NULL);
CREATE POLICY quality_rules_write ON agentforge.quality_rules FOR ALL TO agentforge_app
    USING ((SELECT agentforge.writes_everything()));
CREATE POLICY pattern_embeddings_read ON agentforge.pattern_embeddings FOR SELECT TO agentforge_app
    USING ((SELECT agentforge.current_user_id()) IS NOT NULL);
CREATE POLICY pattern_embeddings_write ON agentforge.pattern_embeddings FOR ALL TO agentforge_app
    USING ((SELECT agentforge.current_user_role()) IN ('admin', 'developer'));
GRANT SELECT, INSERT, UPDATE, DELETE ON agentforge.quality_rules, agentforge.pattern_embeddings TO agentforge_app;

-- What happened: a user's own, and all of it for admins and auditors. The audit trail shows admins of a project what was
-- done to it; nobody writes there but triggers.
CREATE POLICY api_requests_read ON agentforge.api_requests FOR SELECT TO agentforge_app USING (
    (SELECT agentforge.reads_everything()) OR user_id = (SELECT agentforge.current_user_id()));
CREATE POLICY api_requests_insert ON agentforge.api_requests FOR INSERT TO agentforge_app
    WITH CHECK (user_id IS NOT DISTINCT FROM (SELECT agentforge.current_user_id()));
CREATE POLICY error_logs_read ON agentforge.error_logs FOR SELECT TO agentforge_app USING (
    (SELECT agentforge.reads_everything()) OR user_id = (SELECT agentforge.current_user_id()));
CREATE POLICY error_logs_insert ON agentforge.error_logs FOR INSERT TO agentforge_app
    WITH CHECK (user_id IS NOT DISTINCT FROM (SELECT agentforge.current_user_id()));
CREATE POLICY audit_logs_read ON agentforge.audit_logs FOR SELECT TO agentforge_app USING (
    (SELECT agentforge.reads_everything()) OR user_id = (SELECT agentforge.current_user_id())
    OR project_id = ANY ((SELECT agentforge.administered_projects())::bigint[]));
GRANT SELECT, INSERT ON agentforge.api_requests, agentforge.error_logs TO agentforge_app;
GRANT SELECT ON agentforge.audit_logs TO agentforge_app;

-- Bound, too: the owner, by a policy that lets it work, so that a table whose policies are lost shows nothing to anybody.
DO $$
DECLARE
    bound text;
BEGIN
    FOREACH bound IN ARRAY ARRAY[
        'projects', 'project_analyses', 'file_analyses', 'functions', 'code_chunks', 'function_embeddings', 'code_embeddings',
        'function_duplicates', 'code_violations', 'standards_compliance', 'compliance_reports', 'performance_metrics',
        'users', 'user_sessions', 'user_permissions', 'quality_rules', 'pattern_embeddings', 'api_requests', 'error_logs',
        'audit_logs'
    ] LOOP
        EXECUTE format('ALTER TABLE agentforge.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', bound);
        EXECUTE format(
            'CREATE POLICY %1$I_owner ON agentforge.%1$I TO agentforge_owner USING (true) WITH CHECK (true)', bound);
    END LOOP;
END
$$;

-- Materialised views obey no policies, so they are read through these.
CREATE VIEW agentforge.daily_compliance WITH (security_barrier = true) AS
SELECT * FROM agentforge.daily_compliance_summary
WHERE (SELECT agentforge.reads_everything()) OR project_id = ANY ((SELECT agentforge.readable_projects())::bigint[]);
CREATE VIEW agentforge.weekly_performance WITH (security_barrier = true) AS
SELECT * FROM agentforge.weekly_performance_summary
WHERE (SELECT agentforge.reads_everything()) OR project_id = ANY ((SELECT agentforge.readable_projects())::bigint[]);

-- Texts of statements and counts of rows are for those who see everything.
CREATE OR REPLACE VIEW agentforge.slow_queries WITH (security_barrier = true) AS
SELECT * FROM agentforge.slow_statements() WHERE (SELECT agentforge.reads_everything()) ORDER BY mean_exec_time DESC;
CREATE OR REPLACE VIEW agentforge.index_usage_stats WITH (security_barrier = true) AS
SELECT schemaname, relname, indexrelname, idx_scan, idx_tup_read, idx_tup_fetch,
       pg_relation_size(indexrelid) AS bytes
FROM pg_stat_user_indexes
WHERE schemaname = 'agentforge' AND (SELECT agentforge.reads_everything())
ORDER BY idx_scan DESC;

GRANT USAGE ON SCHEMA agentforge TO agentforge_app;
GRANT SELECT ON agentforge.schema_migrations, agentforge.embedding_models, agentforge.partition_settings,
    agentforge.partitions, agentforge.daily_compliance, agentforge.weekly_performance, agentforge.slow_queries,
    agentforge.index_usage_stats TO agentforge_app;
GRANT EXECUTE ON FUNCTION agentforge.is_operator(), agentforge.current_user_id(), agentforge.current_user_role(),
    agentforge.reads_everything(), agentforge.writes_everything(), agentforge.readable_projects(),
    agentforge.writable_projects(), agentforge.administered_projects(),
    agentforge.ensure_embedding_model(text, text, integer), agentforge.slow_statements() TO agentforge_app;
