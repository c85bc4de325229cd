-- Checks of the server, whatever is in the database. Each row is a finding: severity, subject, what, value, unit, remedy.

-- version --
SELECT CASE WHEN pg_is_in_recovery() THEN 'warning' ELSE 'ok' END, '',
       'PostgreSQL ' || current_setting('server_version')
       || CASE WHEN pg_is_in_recovery() THEN ', a standby, which accepts no writes' ELSE '' END,
       to_jsonb(current_setting('server_version')), '',
       CASE WHEN pg_is_in_recovery() THEN 'Name the primary by --database-url.' ELSE '' END;

-- connection --
SELECT CASE WHEN s.ssl OR family(a.client_addr) IS NULL OR a.client_addr <<= '127.0.0.0/8' OR a.client_addr = '::1'
            THEN 'ok' ELSE 'warning' END, '',
       format('connected as %%s, %%s', session_user,
              CASE WHEN s.ssl THEN 'encrypted (' || s.version || ')'
                   WHEN a.client_addr IS NULL THEN 'by a local socket' ELSE 'not encrypted' END),
       to_jsonb(coalesce(s.ssl, false)), '',
       CASE WHEN NOT s.ssl AND a.client_addr IS NOT NULL THEN 'Add sslmode=verify-full to the database URL.' ELSE '' END
FROM pg_stat_ssl AS s JOIN pg_stat_activity AS a USING (pid)
WHERE s.pid = pg_backend_pid();

-- extensions --
WITH installed AS (
    SELECT e.extname, e.extversion, a.default_version,
           regexp_replace(e.extversion, '[^0-9.].*', '') AS numbers
    FROM pg_extension AS e JOIN pg_available_extensions AS a ON a.name = e.extname
    WHERE e.extname IN ('vector', 'pg_stat_statements', 'pg_trgm')
)
SELECT CASE WHEN extname = 'vector' AND string_to_array(numbers, '.')::integer[] < %(advised_vector)s::integer[] THEN 'warning'
            WHEN extversion <> default_version THEN 'info'
            ELSE 'ok' END,
       extname,
       format('%%s %%s', extname, extversion)
       || CASE WHEN extname = 'vector' AND string_to_array(numbers, '.')::integer[] < %(advised_vector)s::integer[]
               THEN ' has faults that ' || array_to_string(%(advised_vector)s::integer[], '.') || ' mends'
               WHEN extversion <> default_version THEN ', and the server has ' || default_version
               ELSE '' END,
       to_jsonb(extversion), '',
       CASE WHEN extversion <> default_version THEN format('ALTER EXTENSION %%I UPDATE;', extname)
            WHEN extname = 'vector' AND string_to_array(numbers, '.')::integer[] < %(advised_vector)s::integer[]
            THEN 'Install a newer pgvector on the server, then run ALTER EXTENSION vector UPDATE;'
            ELSE '' END
FROM installed
UNION ALL
SELECT 'warning', 'vector', 'pgvector is not installed in this database', NULL, '', 'agentforge db init'
WHERE NOT EXISTS (SELECT FROM installed WHERE extname = 'vector')
UNION ALL
SELECT 'info', 'pg_stat_statements', 'pg_stat_statements is not installed in this database, so slow queries are not known',
       NULL, '', 'CREATE EXTENSION pg_stat_statements;'
WHERE NOT EXISTS (SELECT FROM installed WHERE extname = 'pg_stat_statements');

-- vector_schema --
-- A function that works with its owner's rights names the schema of pgvector with each operator, so that nobody can put another
-- one in its way; moving the extension leaves the name as it is.
WITH moved AS (
    SELECT DISTINCT p.proname::text AS name, m.named[1] AS before, quote_ident(n.nspname) AS now
    FROM pg_extension AS e
    JOIN pg_namespace AS n ON n.oid = e.extnamespace
    JOIN pg_proc AS p ON p.pronamespace = 'agentforge'::regnamespace
    CROSS JOIN LATERAL regexp_matches(p.prosrc, 'OPERATOR\((\w+|"(?:[^"]|"")+")\.<=>\)', 'g') AS m (named)
    WHERE e.extname = 'vector' AND m.named[1] <> quote_ident(n.nspname)
)
SELECT 'critical', name, format('%%s looks for pgvector in the schema %%s, and it was moved to %%s', name, before, now),
       to_jsonb(now), '', format('ALTER EXTENSION vector SET SCHEMA %%s;', before)
FROM moved
UNION ALL
SELECT 'ok', '', 'pgvector is where the functions of the schema look for it', NULL, '', '' WHERE NOT EXISTS (SELECT FROM moved);

-- vector_library --
-- Computes a distance, which also brings pgvector's settings (hnsw.*) into view for the check of settings.
SELECT 'ok', '', 'pgvector computes distances', to_jsonb('[1,2]'::vector <-> '[1,2]'::vector), '', '';

-- collation --
SELECT CASE WHEN found.now IS DISTINCT FROM d.datcollversion THEN 'warning' ELSE 'ok' END, d.datname::text,
       CASE WHEN found.now IS DISTINCT FROM d.datcollversion
            THEN format('text was sorted by rules of version %%s, and the operating system has %%s: indexes may be wrong',
                        d.datcollversion, found.now)
            ELSE 'indexes are sorted by the rules that the operating system has' END,
       to_jsonb(d.datcollversion), '',
       CASE WHEN found.now IS DISTINCT FROM d.datcollversion
            THEN format('REINDEX DATABASE %%1$I; ALTER DATABASE %%1$I REFRESH COLLATION VERSION;', d.datname) ELSE '' END
FROM pg_database AS d, LATERAL (SELECT pg_database_collation_actual_version(d.oid) AS now) AS found
WHERE d.datname = current_database();

-- sessions --
-- Another session's process number and times are shown, never its query, which may hold what is not ours to read.
WITH others AS (
    SELECT pid, usename, application_name, state, wait_event_type, now() - xact_start AS open_for,
           now() - state_change AS idle_for, now() - query_start AS asking_for
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
), long AS (
    SELECT 'warning' AS severity, pid, idle_for AS duration,
           format('session %%s (%%s, %%s) is idle in a transaction', pid, usename, application_name) AS what
    FROM others WHERE state LIKE 'idle in transaction%%' AND idle_for > interval '5 minutes'
    UNION ALL
    SELECT 'info', pid, open_for, format('session %%s (%%s, %%s) has a transaction open', pid, usename, application_name)
    FROM others WHERE state = 'active' AND open_for > interval '1 hour'
    UNION ALL
    SELECT 'warning', pid, asking_for, format('session %%s (%%s, %%s) waits for a lock', pid, usename, application_name)
    FROM others WHERE state = 'active' AND wait_event_type = 'Lock' AND asking_for > interval '1 minute'
)
SELECT severity, pid::text, format('%%s for %%s', what, date_trunc('second', duration)),
       to_jsonb(round(extract(epoch FROM duration))), 's', format('SELECT pg_terminate_backend(%%s);', pid)
FROM long
UNION ALL
SELECT 'info', '', format('%%s may not see what sessions of others do', current_user), NULL, '',
       format('GRANT pg_read_all_stats TO %%I;', current_user)
WHERE NOT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
UNION ALL
SELECT 'ok', '', 'no session holds a transaction open for long', to_jsonb(0), '', ''
WHERE NOT EXISTS (SELECT FROM long) AND pg_has_role(current_user, 'pg_read_all_stats', 'USAGE');

-- connections --
SELECT CASE WHEN used > 0.9 * most THEN 'warning' WHEN used > 0.75 * most THEN 'info' ELSE 'ok' END, '',
       format('%%s of %%s connections are in use', used, most), to_jsonb(used), 'connections',
       CASE WHEN used > 0.75 * most
            THEN 'Put PgBouncer in front of the server, or raise max_connections.' ELSE '' END
FROM (
    SELECT count(*) AS used,
           current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
           - current_setting('reserved_connections')::integer AS most
    FROM pg_stat_activity WHERE backend_type = 'client backend'
) AS connections;

-- transaction_age --
SELECT CASE WHEN age > 1600000000 THEN 'critical' WHEN age > 500000000 AND age > 1.5 * wanted THEN 'warning' ELSE 'ok' END,
       kind, format('the oldest %%s is %%s million old (2,000 million is the end)', kind, age / 1000000),
       to_jsonb(age), 'transactions',
       CASE WHEN age > 500000000 AND age > 1.5 * wanted
            THEN 'End old transactions, prepared ones and replication slots, then run VACUUM (FREEZE);' ELSE '' END
FROM (
    SELECT 'transaction' AS kind, age(datfrozenxid)::bigint AS age,
           current_setting('autovacuum_freeze_max_age')::bigint AS wanted
    FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'multixact', mxid_age(datminmxid)::bigint, current_setting('autovacuum_multixact_freeze_max_age')::bigint
    FROM pg_database WHERE datname = current_database()
) AS ages;

-- checkpoints --
SELECT CASE WHEN num_requested > 20 AND num_requested > num_timed THEN 'info' ELSE 'ok' END, '',
       format('%%s checkpoints came by time, %%s because the log was full or somebody asked', num_timed, num_requested),
       to_jsonb(num_requested), 'checkpoints',
       CASE WHEN num_requested > 20 AND num_requested > num_timed THEN 'Raise max_wal_size.' ELSE '' END
FROM pg_stat_checkpointer;
