-- tables --
SELECT table_name FROM agentforge.partition_settings ORDER BY table_name;

-- partitions --
SELECT table_name, partition_name, is_default, range_start, range_end, estimated_rows, bytes FROM agentforge.partitions
ORDER BY table_name, range_start NULLS LAST, partition_name;

-- count_rows --
SELECT partition_name, format('SELECT count(*) FROM agentforge.%%I', partition_name) FROM agentforge.partitions
WHERE partition_name = %(partition)s;

-- retentions --
SELECT table_name, CASE WHEN isfinite(retention) THEN retention::text ELSE 'forever' END
FROM agentforge.partition_settings ORDER BY table_name;

-- set_retention --
UPDATE agentforge.partition_settings
SET retention = CASE %(retention)s::text WHEN 'forever' THEN interval 'infinity' ELSE %(retention)s::interval END
WHERE table_name = %(table)s
RETURNING CASE WHEN isfinite(retention) THEN retention::text ELSE 'forever' END;

-- missing --
SELECT partition_name, low, high FROM agentforge.missing_months(%(table)s, %(months_ahead)s, now());

-- forget --
SELECT agentforge.drop_unwanted_preparations(%(table)s, %(months_ahead)s);

-- prepare --
SELECT agentforge.prepare_partition(%(table)s, %(partition)s, %(low)s, %(high)s);

-- rollover --
SELECT partition_name, moved FROM agentforge.rollover_partitions(%(table)s, %(months_ahead)s);

-- is_due --
SELECT agentforge.rollover_is_due();

-- one_attempt --
SELECT set_config('agentforge.lock_attempts', '1', false);

-- usual_attempts --
SELECT set_config('agentforge.lock_attempts', '', false);

-- expired --
SELECT partition_name FROM agentforge.expired_partitions();

-- is_age --
SELECT %(age)s::interval >= interval '0';

-- older --
SELECT partition_name FROM agentforge.partitions WHERE range_end <= now() - %(age)s::interval
ORDER BY range_end, partition_name;

-- named --
SELECT partition_name FROM agentforge.partitions WHERE partition_name = %(partition)s AND NOT is_default;

-- retire --
SELECT agentforge.retire_partition(%(partition)s, %(keep)s, %(rows)s, %(since)s::text::pg_snapshot);

-- snapshot --
-- All that an archive holds and says of itself is of one moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;

-- archive --
SELECT p.table_name, p.range_start, p.range_end, agentforge.plain_columns(p.partition_name),
       pg_current_snapshot()::text,
       (SELECT max(name) FROM agentforge.schema_migrations),
       format('COPY agentforge.%%I TO STDOUT (FORMAT csv, HEADER, ENCODING ''utf8'')', p.partition_name)
FROM agentforge.partitions AS p WHERE p.partition_name = %(partition)s AND NOT p.is_default;
