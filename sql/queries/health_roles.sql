-- roles --
-- What each of the two roles may be. The application's owns nothing and passes by no policy.
WITH wanted (rolname, fit) AS (VALUES ('agentforge_owner', 'owns the schema'), ('agentforge_app', 'works with the rows')),
     found AS (
    SELECT w.rolname, r.oid, w.fit,
           concat_ws(', ', CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
                     CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
                     CASE WHEN r.rolreplication THEN 'REPLICATION' END) AS powers,
           concat_ws(' ', CASE WHEN r.rolsuper THEN 'NOSUPERUSER' END,
                     CASE WHEN r.rolbypassrls THEN 'NOBYPASSRLS' END, CASE WHEN r.rolcreaterole THEN 'NOCREATEROLE' END,
                     CASE WHEN r.rolcreatedb THEN 'NOCREATEDB' END,
                     CASE WHEN r.rolreplication THEN 'NOREPLICATION' END) AS cure
    FROM wanted AS w LEFT JOIN pg_roles AS r USING (rolname)
)
SELECT CASE WHEN oid IS NULL THEN 'warning' WHEN powers <> '' THEN 'critical' ELSE 'ok' END, rolname,
       CASE WHEN oid IS NULL THEN format('the role %%s does not exist', rolname)
            WHEN powers <> '' THEN format('the role %%s has %%s', rolname, powers)
            ELSE format('the role %%s %%s, and has no more power', rolname, fit) END,
       to_jsonb(powers), '',
       CASE WHEN oid IS NULL THEN 'agentforge db init'
            WHEN powers <> '' THEN format('ALTER ROLE %%I %%s;', rolname, cure) ELSE '' END
FROM found
UNION ALL
-- Whoever logs in as a role may set its defaults, for everybody else who does.
SELECT 'info', r.rolname, format('sessions of %%s begin with %%s', r.rolname, array_to_string(s.setconfig, ', ')),
       to_jsonb(s.setconfig), '',
       format('ALTER ROLE %%I %%sRESET ALL; -- unless it is meant', r.rolname, 'IN DATABASE ' || quote_ident(d.datname) || ' ')
FROM pg_db_role_setting AS s
JOIN pg_roles AS r ON r.oid = s.setrole
JOIN pg_roles AS app ON app.rolname = 'agentforge_app' AND pg_has_role(r.oid, app.oid, 'USAGE') AND NOT r.rolsuper
LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
WHERE d.datname IS NULL OR d.datname = current_database();

-- owners --
WITH objects AS (
    SELECT c.relname AS name, c.relowner AS owner,
           CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END
               || format(' agentforge.%%I', c.relname) AS object
    FROM pg_class AS c
    WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND classid = 'pg_class'::regclass AND deptype = 'e')
    UNION ALL
    SELECT p.proname, p.proowner, 'ROUTINE ' || (pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity
    FROM pg_proc AS p
    WHERE p.pronamespace = 'agentforge'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND classid = 'pg_proc'::regclass AND deptype = 'e')
    UNION ALL
    SELECT n.nspname, n.nspowner, 'SCHEMA agentforge' FROM pg_namespace AS n WHERE n.nspname = 'agentforge'
), strange AS (
    SELECT name, object, r.rolname FROM objects JOIN pg_roles AS r ON r.oid = owner WHERE r.rolname <> 'agentforge_owner'
)
SELECT CASE WHEN rolname = 'agentforge_app' THEN 'critical' ELSE 'warning' END, name::text,
       format('%%s belongs to %%s and not to agentforge_owner', object, rolname), to_jsonb(rolname), '',
       format('ALTER %%s OWNER TO agentforge_owner;', object)
FROM (SELECT * FROM strange ORDER BY rolname <> 'agentforge_app', name LIMIT 20) AS first
UNION ALL
SELECT 'ok', '', format('agentforge_owner owns all %%s objects of the schema', count(*)), to_jsonb(count(*)), 'objects', ''
FROM objects HAVING NOT EXISTS (SELECT FROM strange);

-- row_security --
-- A partition is reached through its parent, whose policies bind, and by no grant of its own. Neither is one that was detached and
-- kept, or that is being filled: nothing is granted on it, so only its owner reads it.
WITH scoped AS (
    SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity,
           EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid) AS has_policy
    FROM pg_class AS c
    WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND (c.relname = 'projects'
           OR EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid)
           OR EXISTS (SELECT FROM pg_attribute AS a
                      WHERE a.attrelid = c.oid AND a.attname = 'project_id' AND NOT a.attisdropped))
      AND (c.relacl IS NOT NULL OR EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid))
), faults AS (
    SELECT relname, 'has no row-level security' AS what, 'ENABLE' AS cure FROM scoped WHERE NOT relrowsecurity
    UNION ALL
    SELECT relname, 'does not hold its owner to row-level security', 'FORCE' FROM scoped
    WHERE relrowsecurity AND NOT relforcerowsecurity
)
SELECT 'critical', relname::text, format('%%s %%s', relname, what), NULL::jsonb, '',
       format('ALTER TABLE agentforge.%%I %%s ROW LEVEL SECURITY;', relname, cure)
FROM faults
UNION ALL
SELECT 'critical', relname::text, format('%%s has no policy, so nobody sees a row of it', relname), NULL, '',
       'agentforge db migrate, or restore the policies from a backup.'
FROM scoped WHERE relrowsecurity AND NOT has_policy
UNION ALL
SELECT 'ok', '', format('row-level security binds on all %%s tables that hold what is not everybody''s', count(*)),
       to_jsonb(count(*)), 'tables', ''
FROM scoped HAVING NOT EXISTS (SELECT FROM faults) AND bool_and(has_policy);

-- grants --
-- Nothing is granted to everybody, nothing on a partition or a materialised view to the application, and no place to create.
WITH relation_grants AS (
    SELECT c.relname, c.relkind, c.relispartition, g.grantee, g.privilege_type
    FROM pg_class AS c, LATERAL aclexplode(c.relacl) AS g
    WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND classid = 'pg_class'::regclass AND deptype = 'e')
), function_grants AS (
    SELECT (pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity AS signature
    FROM pg_proc AS p, LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS g
    WHERE p.pronamespace = 'agentforge'::regnamespace AND g.grantee = 0
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND classid = 'pg_proc'::regclass AND deptype = 'e')
), app AS (SELECT oid FROM pg_roles WHERE rolname = 'agentforge_app'),
     faults AS (
    SELECT 'critical' AS severity, relname::text AS name, format('everybody may %%s %%s', privilege_type, relname) AS what,
           format('REVOKE ALL ON agentforge.%%I FROM PUBLIC;', relname) AS remedy
    FROM relation_grants WHERE grantee = 0
    UNION ALL
    SELECT 'warning', signature, format('everybody may call %%s', signature),
           format('REVOKE EXECUTE ON ROUTINE %%s FROM PUBLIC;', signature)
    FROM function_grants
    UNION ALL
    SELECT 'critical', relname::text,
           format('agentforge_app may %%s %%s, past the policies', privilege_type, relname),
           format('REVOKE ALL ON agentforge.%%I FROM agentforge_app;', relname)
    FROM relation_grants, app WHERE grantee = app.oid AND (relispartition OR relkind = 'm')
    UNION ALL
    SELECT 'critical', 'agentforge',
           format('%%s may create objects in the schema', CASE g.grantee WHEN 0 THEN 'everybody' ELSE 'agentforge_app' END),
           format('REVOKE CREATE ON SCHEMA agentforge FROM %%s;',
                  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE 'agentforge_app' END)
    FROM pg_namespace AS n, LATERAL aclexplode(n.nspacl) AS g
    WHERE n.nspname = 'agentforge' AND g.privilege_type = 'CREATE'
      AND (g.grantee = 0 OR g.grantee IN (SELECT oid FROM app))
)
SELECT severity, name, what, NULL::jsonb, '', remedy FROM (SELECT * FROM faults ORDER BY severity, name LIMIT 20) AS first
UNION ALL
SELECT 'ok', '', 'nothing is granted to everybody, and nothing to agentforge_app past the policies', NULL, '', ''
WHERE NOT EXISTS (SELECT FROM faults);

-- functions --
-- A function that runs with its owner's rights must not look names up where its caller can put some.
WITH definers AS (
    SELECT (pg_identify_object('pg_proc'::regclass, p.oid, 0)).identity AS signature,
           (SELECT substring(setting FROM 'search_path=(.*)') FROM unnest(p.proconfig) AS setting
            WHERE setting LIKE 'search_path=%%') AS path
    FROM pg_proc AS p WHERE p.pronamespace = 'agentforge'::regnamespace AND p.prosecdef
)
SELECT 'critical', signature, format('%%s runs with its owner''s rights and has no search path of its own', signature),
       to_jsonb(path), '', format('ALTER FUNCTION %%s SET search_path = pg_catalog, pg_temp;', signature)
FROM definers WHERE path IS NULL OR path !~ '^"?pg_catalog'
UNION ALL
SELECT 'ok', '', format('%%s functions run with their owner''s rights, all with a search path of their own', count(*)),
       to_jsonb(count(*)), 'functions', ''
FROM definers HAVING coalesce(bool_and(path ~ '^"?pg_catalog'), true);
