-- try_lock --
-- One maintenance at a time; the first number is shared with the locks of analyses, the second with none of them.
SELECT pg_try_advisory_lock(1095124047, -1);

-- unlock --
SELECT pg_advisory_unlock(1095124047, -1);

-- patience --
-- Rather give up a step than make writers wait for it.
SET lock_timeout = '5s';

-- impatience --
RESET lock_timeout;

-- tables --
SELECT table_name FROM agentforge.partition_settings ORDER BY table_name;

-- rollover --
SELECT partition_name, moved FROM agentforge.rollover_partitions(%(table)s, %(months_ahead)s);

-- expired --
SELECT partition_name FROM agentforge.expired_partitions();

-- retire --
SELECT agentforge.retire_partition(%(partition)s, %(keep)s);

-- expire_sessions --
DELETE FROM agentforge.user_sessions WHERE expires_at < now();

-- refresh --
SELECT agentforge.refresh_materialized_views();

-- analyze --
-- Of the tables that changed much since the planner last looked at them.
SELECT format('ANALYZE %%I.%%I', schemaname, relname) FROM pg_stat_user_tables
WHERE schemaname = 'agentforge' AND n_mod_since_analyze > 1000 + 0.1 * n_live_tup;

-- partitions --
SELECT table_name, partition_name, is_default, range_start, range_end, estimated_rows, bytes FROM agentforge.partitions
ORDER BY table_name, range_start NULLS LAST, partition_name;

-- record --
INSERT INTO agentforge.performance_metrics (metric_name, metric_value, metric_unit, tags)
VALUES ('maintenance.step.seconds', %(seconds)s, 's', %(tags)s);
