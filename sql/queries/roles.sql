-- standing --
-- What this session may be: an operator (member of the owner's role, or a superuser), the application, or neither; whether the
-- schema is there; and whether a pooler is in between, whose sessions are not ours to set up.
SELECT coalesce(pg_has_role(session_user, to_regrole('agentforge_owner')::oid, 'MEMBER'), false)
           OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) AS operator,
       coalesce(pg_has_role(session_user, to_regrole('agentforge_app')::oid, 'MEMBER'), false) AS member,
       EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('agentforge') AND relname = 'schema_migrations')
           AS schema,
       pg_backend_pid() AS backend_pid,
       session_user::text AS role;

-- steps --
-- What is missing before the schema can be migrated, in order: statements for the session itself, where it may run each of
-- them, else for a database administrator.
WITH me AS (
    SELECT r.rolname, r.oid, r.rolsuper, r.rolsuper OR r.rolcreaterole AS creates_roles,
           to_regrole('agentforge_owner')::oid AS owner, to_regrole('agentforge_app')::oid AS app,
           to_regnamespace('agentforge')::oid AS schema, d.datname, d.oid AS database,
           r.rolsuper OR pg_has_role(r.oid, d.datdba, 'USAGE') AS owns_database
    FROM pg_roles AS r, pg_database AS d
    WHERE r.rolname = session_user AND d.datname = current_database()
), objects AS (
    SELECT c.oid, c.relowner AS owner,
           format('ALTER TABLE agentforge.%I OWNER TO agentforge_owner', c.relname) AS statement
    FROM pg_class AS c, me
    WHERE c.relnamespace = me.schema AND c.relkind IN ('r', 'p', 'v', 'm')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
    UNION ALL
    SELECT p.oid, p.proowner,
           format('ALTER ROUTINE %s OWNER TO agentforge_owner', (pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity)
    FROM pg_proc AS p, me
    WHERE p.pronamespace = me.schema
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
), steps AS (
    SELECT 1 AS place, 0::oid AS part, 'CREATE ROLE agentforge_owner NOLOGIN' AS statement, creates_roles AS allowed
    FROM me WHERE owner IS NULL
    UNION ALL
    SELECT 2, 0, 'CREATE ROLE agentforge_app LOGIN', creates_roles FROM me WHERE app IS NULL
    UNION ALL
    SELECT 3, 0, format('GRANT agentforge_owner TO %I WITH INHERIT TRUE, SET TRUE', rolname),
           CASE WHEN owner IS NULL THEN creates_roles ELSE pg_has_role(oid, owner, 'MEMBER WITH ADMIN OPTION') END
    FROM me WHERE NOT rolsuper
      AND NOT coalesce(pg_has_role(oid, owner, 'USAGE') AND pg_has_role(oid, owner, 'SET'), false)
    UNION ALL
    SELECT 4, 0, 'GRANT agentforge_app TO agentforge_owner WITH INHERIT FALSE, SET TRUE',
           rolsuper OR CASE WHEN app IS NULL THEN creates_roles ELSE pg_has_role(oid, app, 'MEMBER WITH ADMIN OPTION') END
    FROM me WHERE NOT EXISTS (
        SELECT FROM pg_auth_members AS m
        WHERE m.roleid = me.app AND m.member = me.owner AND m.set_option AND NOT m.inherit_option)
    UNION ALL
    SELECT 5, 0, format('GRANT CREATE ON DATABASE %I TO agentforge_owner', datname), owns_database
    FROM me WHERE owner IS NULL OR NOT has_database_privilege(owner, database, 'CREATE')
    UNION ALL
    SELECT 6, 0, format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO agentforge_app', datname), owns_database
    FROM me
    WHERE NOT has_database_privilege(coalesce(app, 0), database, 'CONNECT')
       OR NOT has_database_privilege(coalesce(app, 0), database, 'TEMPORARY')
    UNION ALL
    SELECT 7, 0, 'CREATE SCHEMA agentforge AUTHORIZATION agentforge_owner',
           rolsuper OR owns_database OR has_database_privilege(oid, database, 'CREATE')
    FROM me WHERE schema IS NULL
    UNION ALL
    SELECT 7, 0, 'ALTER SCHEMA agentforge OWNER TO agentforge_owner',
           rolsuper OR (pg_has_role(me.oid, n.nspowner, 'USAGE') AND has_database_privilege(me.oid, database, 'CREATE'))
    FROM me JOIN pg_namespace AS n ON n.oid = me.schema WHERE n.nspowner IS DISTINCT FROM me.owner
    UNION ALL
    SELECT 8, o.oid, o.statement, rolsuper OR pg_has_role(me.oid, o.owner, 'USAGE')
    FROM me, objects AS o WHERE o.owner IS DISTINCT FROM me.owner
    UNION ALL
    SELECT 9, 0, 'CREATE EXTENSION vector SCHEMA agentforge',
           rolsuper OR (owns_database AND EXISTS (
               SELECT FROM pg_available_extension_versions WHERE name = 'vector' AND trusted))
    FROM me WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')
    UNION ALL
    -- Good to have where the server is set up for it; nobody needs to be asked.
    SELECT 10, 0, 'CREATE EXTENSION pg_stat_statements SCHEMA agentforge', true
    FROM me
    WHERE CASE WHEN rolsuper THEN current_setting('shared_preload_libraries') ~ '\mpg_stat_statements\M' END
      AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')
      AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements')
)
SELECT statement, allowed FROM steps ORDER BY place, part;

-- work_as_owner --
SELECT set_config('role', 'agentforge_owner', false), set_config('agentforge.request_id', %(request_id)s, false);

-- migrate_as_owner --
SELECT set_config('role', 'agentforge_owner', true);

-- work_as_application --
SELECT set_config('role', 'agentforge_app', false), set_config('agentforge.session_token', %(token)s, false),
       set_config('agentforge.request_id', %(request_id)s, false);

-- present --
-- The token is the session's as a whole: only where no pooler hands the session to somebody else.
SELECT set_config('agentforge.session_token', %(token)s, false),
       set_config('agentforge.request_id', %(request_id)s, false);

-- identity --
SELECT agentforge.current_user_id();

-- set_application_password --
-- The verifier is made by the client, so that the password itself is in no statement and in no log.
ALTER ROLE agentforge_app LOGIN PASSWORD {verifier};
