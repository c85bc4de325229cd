-- settings --
-- The rules of settings.toml against what the server has. Sizes are compared in bytes. What a database or a role sets goes before
-- what the server sets, so it is changed there.
WITH rules AS (
    SELECT r.*, row_number() OVER () AS place_in_file
    FROM jsonb_to_recordset(%(rules)s) AS r (
        name text, least text, greatest text, equals text[], contains text, advised text, severity text, why text,
        places text[]
    )
    WHERE places IS NULL OR %(place)s = ANY (places)
), bounds AS (
    SELECT rules.*, s.setting, s.context, s.source, current_setting(s.name) AS shown,
           CASE WHEN s.unit ~ 'B$' THEN s.setting::numeric * pg_size_bytes(regexp_replace(s.unit, '^(\D)', '1\1'))
                WHEN s.vartype IN ('integer', 'real') THEN s.setting::numeric END AS actual,
           CASE WHEN least ~ '%%$' THEN %(memory)s * rtrim(least, '%%')::numeric / 100
                WHEN least ~ '^[0-9.]+$' THEN least::numeric ELSE pg_size_bytes(least) END AS low,
           CASE WHEN greatest ~ '%%$' THEN %(memory)s * rtrim(greatest, '%%')::numeric / 100
                WHEN greatest ~ '^[0-9.]+$' THEN greatest::numeric ELSE pg_size_bytes(greatest) END AS high,
           coalesce(advised, least, greatest, equals[1]) AS target
    FROM rules JOIN pg_settings AS s USING (name)
), judged AS (
    SELECT *,
           coalesce(actual < low, false) OR coalesce(actual > high, false)
           OR coalesce(setting <> ALL (equals), false)
           OR coalesce(contains <> ALL (string_to_array(replace(setting, ' ', ''), ',')), false) AS broken,
           CASE WHEN contains IS NOT NULL THEN concat_ws(', ', nullif(setting, ''), contains)
                WHEN target ~ '%%$' THEN round(%(memory)s * rtrim(target, '%%')::numeric / 100 / 1048576) || 'MB'
                ELSE target END AS value
    FROM bounds
)
SELECT severity, name,
       format('%%s is %%s, and %%s would be better: %%s', name, coalesce(nullif(shown, ''), 'empty'), value, why),
       to_jsonb(shown), '',
       CASE WHEN source = 'client' THEN 'Take it out of the database URL or PGOPTIONS.'
            WHEN source = 'command line' THEN format('Set %%s = %%L where the server is started: its command line has it.', name, value)
            WHEN statement IS NOT NULL
            THEN format(statement || ' %%3$s = %%4$L; -- for sessions that begin then',
                        current_database(), session_user, name, value)
            ELSE format(CASE WHEN contains IS NOT NULL THEN 'ALTER SYSTEM SET %%s = %%s;' ELSE 'ALTER SYSTEM SET %%s = %%L;' END,
                        name, value)
                 || CASE context WHEN 'postmaster' THEN ' -- then restart the server'
                                 ELSE ' -- then SELECT pg_reload_conf();' END END
FROM judged LEFT JOIN jsonb_to_recordset(%(setters)s) AS w (source text, statement text) USING (source) WHERE broken
UNION ALL
SELECT 'info', name, format('%%s may not be read by %%s', name, current_user), NULL, '',
       format('GRANT pg_read_all_settings TO %%I;', current_user)
FROM rules
WHERE NOT EXISTS (SELECT FROM pg_settings AS s WHERE s.name = rules.name) AND name NOT LIKE '%%.%%'
UNION ALL
SELECT 'info', name, format('%%s was changed, and waits for a restart of the server', name), NULL, '',
       'Restart the server.'
FROM pg_settings WHERE pending_restart
UNION ALL
SELECT 'ok', '', format('%%s of %%s rules about settings hold', count(*) FILTER (WHERE NOT broken), count(*)),
       to_jsonb(count(*) FILTER (WHERE NOT broken)), 'rules', ''
FROM judged;

-- memory --
-- What all sessions and vacuums together could take, on this machine, or beside the buffers of another.
WITH sizes AS (
    SELECT pg_size_bytes(current_setting('work_mem')) AS work_mem,
           current_setting('max_connections')::bigint AS connections,
           pg_size_bytes(current_setting('shared_buffers')) AS buffers,
           pg_size_bytes(current_setting('maintenance_work_mem')) AS maintenance,
           %(memory)s::numeric AS memory
), worst AS (
    SELECT *, work_mem * connections AS bytes, coalesce(memory - buffers, 16 * buffers) AS room FROM sizes
), vectors AS (
    SELECT max(pg_relation_size(i.oid)) AS bytes FROM pg_class AS i
    JOIN pg_am AS am ON am.oid = i.relam AND am.amname = 'hnsw'
    WHERE i.relnamespace = to_regnamespace('agentforge')
), bound AS (  -- so that this does not undo what the rule says
    SELECT min(pg_size_bytes(greatest)) / 1048576 AS most
    FROM jsonb_to_recordset(%(rules)s) AS r (name text, greatest text) WHERE name = 'work_mem'
), changes AS (
    SELECT name, coalesce(statement, 'ALTER SYSTEM SET') || ' %%3$s = %%4$L; -- '
                 || CASE WHEN statement IS NULL THEN 'then SELECT pg_reload_conf();' ELSE 'for sessions that begin then' END AS change
    FROM pg_settings LEFT JOIN jsonb_to_recordset(%(setters)s) AS w (source text, statement text) USING (source)
    WHERE name IN ('work_mem', 'maintenance_work_mem')
)
SELECT CASE WHEN bytes > room THEN CASE WHEN memory IS NULL THEN 'info' ELSE 'warning' END ELSE 'ok' END, 'work_mem',
       format('%%s sessions with one sort each could take %%s (work_mem is %%s)%%s', connections, pg_size_pretty(bytes),
              pg_size_pretty(work_mem),
              CASE WHEN memory IS NULL THEN '' ELSE format(', of %%s of memory', pg_size_pretty(memory)) END),
       to_jsonb(bytes), 'bytes',
       CASE WHEN bytes > room
            THEN format(change, current_database(), session_user, name,
                        greatest(4, least(most, floor(room / connections / 1048576))) || 'MB') ELSE '' END
FROM worst JOIN bound ON true JOIN changes ON name = 'work_mem'
UNION ALL
SELECT 'info', 'maintenance_work_mem',
       format('the largest vector index takes %%s, more than maintenance_work_mem (%%s), in which it would be rebuilt fast',
              pg_size_pretty(v.bytes), pg_size_pretty(worst.maintenance)),
       to_jsonb(worst.maintenance), 'bytes',
       format(change, current_database(), session_user, name,
              least(v.bytes * 1.2, coalesce(memory / 8, 2147483648))::bigint / 1048576 || 'MB')
FROM worst JOIN changes ON name = 'maintenance_work_mem', vectors AS v
WHERE v.bytes > worst.maintenance AND coalesce(memory / 8, 2147483648) > worst.maintenance;
