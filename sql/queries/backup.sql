-- tables --
SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('agentforge') AND relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e');

-- sees_all --
-- Whether policies do not bind the session. Otherwise the dump is made as the owner, whom policies let see everything.
SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user;

-- hidden --
-- Tables whose policies hold rows back from their owner: a dump would lack them without a word.
SELECT relname::text FROM pg_class AS c
WHERE relnamespace = 'agentforge'::regnamespace AND relrowsecurity AND relforcerowsecurity
  AND NOT EXISTS (
      SELECT FROM pg_policy AS p
      WHERE p.polrelid = c.oid AND p.polcmd IN ('*', 'r') AND p.polpermissive
        AND pg_get_expr(p.polqual, p.polrelid) = 'true'
        AND (0 = ANY (p.polroles) OR (SELECT oid FROM pg_roles WHERE rolname = 'agentforge_owner') = ANY (p.polroles))
  )
ORDER BY relname;

-- has_schema --
SELECT to_regnamespace('agentforge') IS NOT NULL;

-- hold_migrations --
-- The lock of migrations, for the session: they wait.
SELECT pg_advisory_lock(7305110714320412001);

-- release_migrations --
SELECT pg_advisory_unlock(7305110714320412001);

-- become_owner --
SELECT set_config('role', 'agentforge_owner', true);

-- default_privileges --
-- What a dump of one schema leaves out: privileges of functions that are yet to be made.
ALTER DEFAULT PRIVILEGES FOR ROLE agentforge_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- compress --
-- A dump holds plain text, and PostgreSQL compresses the values of a row only where it is longer than 2 kB, which few functions
-- are; a value that is compressed already stays so in whichever row. So code passes through rows that `filling` makes long
-- enough. Each table is written once, with its indexes.
CREATE TEMPORARY TABLE packed_code (
    id bigint PRIMARY KEY, code text STORAGE MAIN, filling text STORAGE MAIN DEFAULT repeat(' ', 2048)
) WITH (toast_tuple_target = 128) ON COMMIT DROP;
CREATE FUNCTION pg_temp.packed(wanted bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    found text;
BEGIN
    SELECT p.code INTO STRICT found FROM pg_temp.packed_code AS p WHERE p.id = wanted;
    RETURN found;
END
$$;
DO $$
DECLARE
    holder regclass;
BEGIN
    FOR holder IN SELECT c.oid FROM pg_class AS c
        WHERE c.oid IN (to_regclass('agentforge.functions'), to_regclass('agentforge.code_chunks')) LOOP
        TRUNCATE pg_temp.packed_code;
        EXECUTE format('INSERT INTO pg_temp.packed_code (id, code) SELECT id, code FROM %s', holder);
        ANALYZE pg_temp.packed_code;
        EXECUTE format('ALTER TABLE %s ALTER COLUMN code TYPE text USING pg_temp.packed(id)', holder);
    END LOOP;
END
$$;
DROP FUNCTION pg_temp.packed(bigint);

-- analyze --
-- A dump holds no statistics for the planner.
SELECT format('ANALYZE agentforge.%I', relname) FROM pg_class
WHERE relnamespace = 'agentforge'::regnamespace AND relkind IN ('r', 'p', 'm') AND NOT relispartition;

-- remove --
DROP SCHEMA agentforge CASCADE;
