-- try_lock --
-- One maintenance at a time; the first number is shared with the locks of analyses, the second with none of them.
SELECT pg_try_advisory_lock(1095124047, -1);

-- unlock --
SELECT pg_advisory_unlock(1095124047, -1);

-- patience --
-- Rather give up a step than make writers wait for it, whatever the role's own settings are.
SELECT set_config('lock_timeout', '2s', false), set_config('statement_timeout', '0', false),
       set_config('default_transaction_isolation', 'read committed', false);

-- impatience --
RESET lock_timeout;
RESET statement_timeout;
RESET default_transaction_isolation;

-- expired_sessions --
SELECT count(*) FROM agentforge.user_sessions WHERE expires_at < now();

-- expire_sessions --
DELETE FROM agentforge.user_sessions WHERE expires_at < now();

-- refresh --
-- NULL for a view that is missing. One that was never filled (restored without its data) cannot be refreshed beside its readers.
SELECT wanted.name, CASE WHEN c.oid IS NOT NULL THEN format(
    'REFRESH MATERIALIZED VIEW %s agentforge.%I', CASE WHEN c.relispopulated THEN 'CONCURRENTLY' ELSE '' END, wanted.name
) END
FROM unnest(ARRAY['daily_compliance_summary', 'weekly_performance_summary']) AS wanted (name)
LEFT JOIN pg_class AS c ON c.oid = to_regclass('agentforge.' || wanted.name) AND c.relkind = 'm'
ORDER BY wanted.name;

-- analyze --
-- Tables that changed much since the planner last looked at them. A partitioned one stands for its partitions: autovacuum
-- looks at those alone, and never at what they are together.
SELECT top.relname, format('ANALYZE agentforge.%I', top.relname)
FROM pg_class AS top
CROSS JOIN LATERAL (
    SELECT sum(s.n_mod_since_analyze) AS changed, sum(s.n_live_tup) AS live
    FROM pg_partition_tree(top.oid) AS t JOIN pg_stat_user_tables AS s ON s.relid = t.relid AND t.isleaf
) AS parts
LEFT JOIN pg_stat_user_tables AS own ON own.relid = top.oid
WHERE top.relnamespace = 'agentforge'::regnamespace AND top.relkind = 'p' AND NOT top.relispartition
  AND (parts.changed > 1000 + 0.1 * parts.live OR (own.last_analyze IS NULL AND parts.live > 0))
UNION ALL
SELECT s.relname, format('ANALYZE agentforge.%I', s.relname)
FROM pg_stat_user_tables AS s JOIN pg_class AS c ON c.oid = s.relid
WHERE s.schemaname = 'agentforge' AND c.relkind IN ('r', 'm') AND NOT c.relispartition
  AND s.n_mod_since_analyze > 1000 + 0.1 * s.n_live_tup
ORDER BY 1;

-- record --
INSERT INTO agentforge.performance_metrics (metric_name, metric_value, metric_unit, tags)
VALUES ('maintenance.step.seconds', %(seconds)s, 's', %(tags)s);
