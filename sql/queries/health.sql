-- place --
-- Where the server runs, as seen from here, and the schema if there is one.
SELECT CASE
           WHEN current_setting('cluster_name') = 'agentforge' THEN 'embedded'
           WHEN inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr() THEN 'local'
           ELSE 'remote'
       END AS place,
       EXISTS (SELECT FROM pg_tables WHERE schemaname = 'agentforge' AND tablename = 'schema_migrations') AS has_schema,
       (SELECT count(*) FROM pg_roles WHERE rolname IN ('agentforge_owner', 'agentforge_app')) = 2 AS has_roles,
       EXISTS (SELECT FROM pg_extension WHERE extname = 'vector' AND has_schema_privilege(extnamespace, 'USAGE'))
           AS has_vector;

-- patience --
SELECT set_config('statement_timeout', '10s', false);

-- impatience --
RESET statement_timeout;

-- status --
SELECT current_setting('server_version'), current_database(), session_user,
       (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
       pg_database_size(current_database());

-- applied --
SELECT name, checksum FROM agentforge.schema_migrations ORDER BY name;

-- last_maintenance --
SELECT max(recorded_at) FROM agentforge.performance_metrics WHERE metric_name = 'maintenance.step.seconds';

-- migrations --
-- From here on, each query is a check. Each row is a finding: severity, subject, what, value, unit, remedy.
WITH tool AS (SELECT * FROM unnest(%(names)s::text[], %(checksums)s::text[]) AS t (name, checksum)),
     faults AS (
    SELECT 'critical' AS severity, a.name,
           format('the database is newer than this agentforge: it has the migration %%s', a.name) AS what,
           'Upgrade agentforge.' AS remedy
    FROM agentforge.schema_migrations AS a LEFT JOIN tool AS t USING (name) WHERE t.name IS NULL
    UNION ALL
    SELECT 'critical', a.name, format('the migration %%s was applied with another text than this agentforge carries', a.name),
           'Use the version of agentforge that migrated the database.'
    FROM agentforge.schema_migrations AS a JOIN tool AS t USING (name) WHERE t.checksum <> a.checksum
    UNION ALL
    SELECT 'warning', min(t.name),
           CASE count(*) WHEN 1 THEN format('the migration %%s is pending', min(t.name))
               ELSE format('%%s migrations are pending, %%s to %%s', count(*), min(t.name), max(t.name)) END,
           'agentforge db migrate'
    FROM tool AS t LEFT JOIN agentforge.schema_migrations AS a USING (name) WHERE a.name IS NULL HAVING count(*) > 0
)
SELECT severity, name, what, to_jsonb(name), '', remedy FROM faults
UNION ALL
SELECT 'ok', '', 'the schema is that of this agentforge, ' || max(name), to_jsonb(max(name)), '', ''
FROM agentforge.schema_migrations HAVING NOT EXISTS (SELECT FROM faults);

-- size --
SELECT 'ok', current_database()::text, 'the database takes ' || pg_size_pretty(pg_database_size(current_database())),
       to_jsonb(pg_database_size(current_database())), 'bytes', ''
UNION ALL
(SELECT 'ok', root.relname::text,
        format('%%s takes %%s for about %%s rows%%s', root.relname, pg_size_pretty(sum(pg_total_relation_size(c.oid))),
               sum(greatest(c.reltuples, 0))::bigint,
               CASE WHEN root.relkind = 'p' THEN format(' in %%s partitions', count(*)) ELSE '' END),
        to_jsonb(sum(pg_total_relation_size(c.oid))), 'bytes', ''
 FROM pg_class AS c
 LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
 JOIN pg_class AS root ON root.oid = coalesce(i.inhparent, c.oid)
 WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'm')
 GROUP BY root.oid, root.relname, root.relkind
 ORDER BY sum(pg_total_relation_size(c.oid)) DESC);

-- partitions --
-- The month after this one must have a partition; rows of a month without one go to the default.
WITH found AS (
    SELECT s.table_name, count(p.partition_name) FILTER (WHERE NOT p.is_default) AS months, max(p.range_end) AS covered,
           date_trunc('month', now() AT TIME ZONE 'UTC') AS month
    FROM agentforge.partition_settings AS s LEFT JOIN agentforge.partitions AS p USING (table_name)
    GROUP BY s.table_name
), ahead AS (
    SELECT *, coalesce(greatest(
        (extract(year FROM age(covered AT TIME ZONE 'UTC', month)) * 12
         + extract(month FROM age(covered AT TIME ZONE 'UTC', month)))::integer - 1, -1), -1) AS months_ahead
    FROM found
)
SELECT CASE WHEN months_ahead < 1 THEN 'warning' ELSE 'ok' END, table_name,
       CASE WHEN months_ahead < 0 THEN format('%%s has no partition for this month', table_name)
            WHEN months_ahead < 1 THEN format('%%s has no partition for next month', table_name)
            ELSE format('%%s has %%s monthly partitions, %%s of them ahead', table_name, months, months_ahead) END,
       to_jsonb(months_ahead), 'months', CASE WHEN months_ahead < 1 THEN 'agentforge db maintain' ELSE '' END
FROM ahead ORDER BY table_name;

-- default_counts --
-- No check: the statements that count the rows of each default partition, at most a hundred thousand of them.
SELECT table_name, format('SELECT count(*) FROM (SELECT FROM agentforge.%%I LIMIT 100001) AS rows', partition_name)
FROM agentforge.partitions WHERE is_default ORDER BY table_name;

-- defaults --
SELECT CASE WHEN rows > 100000 THEN 'warning' WHEN rows > 0 THEN 'info' ELSE 'ok' END, table_name,
       CASE WHEN rows = 0 THEN format('the default partition of %%s is empty', table_name)
            ELSE format('%%s rows of %%s lie in its default partition, which retention does not drop',
                        CASE WHEN rows > 100000 THEN 'more than 100000' ELSE rows::text END, table_name) END,
       to_jsonb(rows), 'rows', CASE WHEN rows > 0 THEN 'agentforge db maintain' ELSE '' END
FROM unnest(%(default_tables)s::text[], %(default_rows)s::bigint[]) AS t (table_name, rows);

-- vector_indexes --
WITH found AS (
    SELECT i.relname, t.relname AS table_name, x.indisvalid, pg_relation_size(i.oid) AS bytes, am.amname,
           coalesce(s.idx_scan, 0) AS scans
    FROM pg_index AS x
    JOIN pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_class AS t ON t.oid = x.indrelid
    JOIN pg_am AS am ON am.oid = i.relam AND am.amname IN ('hnsw', 'ivfflat')
    LEFT JOIN pg_stat_user_indexes AS s ON s.indexrelid = i.oid
    WHERE t.relnamespace = 'agentforge'::regnamespace AND i.relkind = 'i'
)
SELECT CASE WHEN NOT indisvalid THEN 'warning' ELSE 'ok' END, relname::text,
       format('%%s (%%s on %%s) takes %%s, %%s', relname, amname, table_name, pg_size_pretty(bytes),
              CASE WHEN NOT indisvalid THEN 'and is not valid: its building was cut short'
                   WHEN scans = 0 THEN 'and was not used yet' ELSE format('used %%s times', scans) END),
       to_jsonb(bytes), 'bytes',
       CASE WHEN indisvalid THEN '' ELSE format('REINDEX INDEX CONCURRENTLY agentforge.%%I;', relname) END
FROM found
UNION ALL
SELECT 'info', c.relname::text,
       format('%%s has about %%s vectors and no approximate index', c.relname, c.reltuples::bigint),
       to_jsonb(c.reltuples::bigint), 'rows', 'agentforge db maintain'
FROM pg_inherits AS h
JOIN pg_class AS c ON c.oid = h.inhrelid
WHERE h.inhparent = to_regclass('agentforge.function_embeddings')  -- nothing searches the other tables by an index
  AND c.reltuples > %(index_rows)s AND NOT EXISTS (SELECT FROM found WHERE found.table_name = c.relname);

-- meaning --
-- Functions whose vectors are not complete: while there are some, searches among them compare words and structure only. And
-- those that have none.
WITH found AS (
    SELECT m.name, count(*) AS functions, count(DISTINCT e.project_id) AS projects
    FROM agentforge.function_embeddings AS e JOIN agentforge.embedding_models AS m ON m.id = e.model_id
    WHERE e.lacks_meaning GROUP BY m.id
), bare AS (
    SELECT sum(function_count) AS functions, count(DISTINCT project_id) AS projects
    FROM agentforge.file_analyses WHERE model_id IS NULL AND superseded_by IS NULL
    HAVING sum(function_count) > 0
)
SELECT 'info', name, format('functions without meaning yet (model %%s): %%s, in projects: %%s', name, functions, projects),
       to_jsonb(functions), 'rows',
       'agentforge embed' || CASE WHEN name = 'hybrid' THEN '' ELSE ' --model ' || quote_ident(name) END
FROM found
UNION ALL
SELECT 'info', '', format('functions without a vector, which nothing compares: %%s, in projects: %%s', functions, projects),
       to_jsonb(functions), 'rows', 'agentforge embed'
FROM bare
UNION ALL
SELECT 'ok', '', 'every vector is complete', to_jsonb(0), 'rows', ''
WHERE NOT EXISTS (SELECT FROM found) AND NOT EXISTS (SELECT FROM bare);

-- invalid_indexes --
SELECT 'warning', i.relname::text, format('the index %%s is not valid: its building was cut short', i.relname), NULL, '',
       format('REINDEX INDEX CONCURRENTLY agentforge.%%I;', i.relname)
FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_am AS am ON am.oid = i.relam
WHERE i.relnamespace = 'agentforge'::regnamespace AND i.relkind = 'i' AND NOT x.indisvalid
  AND am.amname NOT IN ('hnsw', 'ivfflat');

-- unused_indexes --
-- Only what was worth its space for a week of statistics, and could be dropped: no unique index, no part of another one.
WITH age AS (
    SELECT greatest((SELECT max(applied_at) FROM agentforge.schema_migrations),
                    (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database())) AS since
)
SELECT 'info', s.indexrelname::text,
       format('%%s on %%s takes %%s and was not used since %%s', s.indexrelname, s.relname,
              pg_size_pretty(pg_relation_size(s.indexrelid)), to_char(age.since, 'YYYY-MM-DD')),
       to_jsonb(pg_relation_size(s.indexrelid)), 'bytes',
       format('DROP INDEX CONCURRENTLY agentforge.%%I; -- if nothing of yours wants it', s.indexrelname)
FROM age, pg_stat_user_indexes AS s
JOIN pg_index AS x ON x.indexrelid = s.indexrelid
JOIN pg_class AS i ON i.oid = s.indexrelid
JOIN pg_am AS am ON am.oid = i.relam
WHERE s.schemaname = 'agentforge' AND s.idx_scan = 0 AND NOT x.indisunique AND NOT i.relispartition
  AND am.amname NOT IN ('hnsw', 'ivfflat')
  AND age.since < now() - interval '1 week' AND pg_relation_size(s.indexrelid) > 1048576
ORDER BY pg_relation_size(s.indexrelid) DESC LIMIT 20;

-- cache --
SELECT CASE WHEN hits + reads < 100000 THEN 'ok' WHEN hits < 0.9 * (hits + reads) THEN 'info' ELSE 'ok' END, '',
       CASE WHEN hits + reads < 100000 THEN format('%%s pages were read, too few to judge the cache', hits + reads)
            ELSE format('%%s %%%% of the pages read were in shared_buffers', round(100 * hits / (hits + reads), 1)) END,
       to_jsonb(round(100 * hits / nullif(hits + reads, 0), 1)), '%%',
       CASE WHEN hits + reads >= 100000 AND hits < 0.9 * (hits + reads)
            THEN 'Raise shared_buffers, if the server has memory to spare.' ELSE '' END
FROM (
    SELECT coalesce(sum(heap_blks_hit + idx_blks_hit), 0) AS hits, coalesce(sum(heap_blks_read + idx_blks_read), 0) AS reads
    FROM pg_statio_user_tables WHERE schemaname = 'agentforge'
) AS pages;

-- sequences --
WITH used AS (
    SELECT sequencename, last_value, max_value, 100.0 * last_value / max_value AS percent
    FROM pg_sequences WHERE schemaname = 'agentforge'
), worst AS (SELECT * FROM used WHERE percent >= 50)
SELECT CASE WHEN percent >= 90 THEN 'critical' WHEN percent >= 75 THEN 'warning' ELSE 'info' END, sequencename::text,
       format('%%s is at %%s of %%s', sequencename, last_value, max_value), to_jsonb(round(percent, 1)), '%%',
       'Widen the column to bigint and the sequence with it (ALTER SEQUENCE ... AS bigint) before it ends.'
FROM worst
UNION ALL
SELECT 'ok', '', 'no sequence has used half of its numbers', to_jsonb(round(coalesce(max(percent), 0), 1)), '%%', ''
FROM used HAVING coalesce(max(percent), 0) < 50;

-- dead_rows --
WITH found AS (
    SELECT relname, n_live_tup, n_dead_tup, greatest(last_vacuum, last_autovacuum) AS vacuumed,
           greatest(last_analyze, last_autoanalyze) AS analyzed
    FROM pg_stat_user_tables WHERE schemaname = 'agentforge'
), lagging AS (SELECT * FROM found WHERE n_dead_tup > 10000 AND n_dead_tup > 0.3 * n_live_tup)
SELECT CASE WHEN n_dead_tup > n_live_tup AND n_dead_tup > 100000 THEN 'warning' ELSE 'info' END, relname::text,
       format('%%s has %%s dead rows beside %%s live ones, and was vacuumed %%s', relname, n_dead_tup, n_live_tup,
              coalesce('at ' || to_char(vacuumed, 'YYYY-MM-DD HH24:MI'), 'never')),
       to_jsonb(n_dead_tup), 'rows', format('VACUUM (ANALYZE) agentforge.%%I;', relname)
FROM lagging
UNION ALL
SELECT 'info', relname::text, format('the planner has never looked at the %%s rows of %%s', n_live_tup, relname),
       to_jsonb(n_live_tup), 'rows', format('ANALYZE agentforge.%%I;', relname)
FROM found WHERE n_live_tup > 10000 AND analyzed IS NULL
UNION ALL
SELECT 'ok', '', 'autovacuum keeps up', to_jsonb(coalesce(sum(n_dead_tup), 0)), 'rows', ''
FROM found HAVING NOT EXISTS (SELECT FROM lagging);

-- slow_queries --
-- Statements that name a password are left out: their text may hold one.
(SELECT 'info', '', format('%%s ms in the mean of %%s calls: %%s', round(mean_exec_time), calls,
                           left(regexp_replace(query, '\s+', ' ', 'g'), 100)),
        to_jsonb(round(mean_exec_time)), 'ms', 'EXPLAIN (ANALYZE, BUFFERS) it, if it is asked often.'
 FROM agentforge.slow_queries WHERE query !~* 'password|<insufficient privilege>' ORDER BY mean_exec_time * calls DESC LIMIT 5)
UNION ALL
SELECT 'info', '', format('%%s may not see the statements of others', current_user), NULL, '',
       format('GRANT pg_read_all_stats TO %%I;', current_user)
WHERE NOT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
  AND EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements');

-- maintenance --
WITH last AS (
    SELECT recorded_at, tags FROM agentforge.performance_metrics
    WHERE metric_name = 'maintenance.step.seconds' AND recorded_at = (
        SELECT max(recorded_at) FROM agentforge.performance_metrics WHERE metric_name = 'maintenance.step.seconds'
    )
), known AS (
    SELECT (SELECT max(recorded_at) FROM last) AS at, (SELECT min(applied_at) FROM agentforge.schema_migrations) AS made,
           coalesce((SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = 'agentforge_owner'), true)
               AS sees
)
SELECT CASE WHEN at IS NULL AND NOT sees THEN 'info'
            WHEN coalesce(at, made) < now() - interval '2 days' THEN 'warning' ELSE 'ok' END, '',
       CASE WHEN at IS NULL AND NOT sees THEN format('%%s does not see when the database was maintained', current_user)
            WHEN at IS NULL THEN 'the database was never maintained'
            ELSE 'the last maintenance was at ' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') END,
       to_jsonb(at), '',
       CASE WHEN coalesce(at, made) < now() - interval '2 days' AND (at IS NOT NULL OR sees)
            THEN 'Run agentforge db maintain every night (cron, or a systemd timer).' ELSE '' END
FROM known
UNION ALL
SELECT 'warning', step, format('the step %%s failed in its last maintenance: %%s', step, error), to_jsonb(at), '',
       'agentforge db maintain'
FROM (
    SELECT DISTINCT ON (tags ->> 'step') tags ->> 'step' AS step, tags ->> 'error' AS error, recorded_at AS at
    FROM agentforge.performance_metrics, known
    WHERE metric_name = 'maintenance.step.seconds' AND recorded_at > known.at - interval '1 day'
    ORDER BY tags ->> 'step', recorded_at DESC
) AS steps WHERE error IS NOT NULL;
