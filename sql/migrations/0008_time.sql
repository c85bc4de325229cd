-- Time: partitions made and retired so that writers never wait for long, and what `agentforge db maintain` asks the server.
--
-- An exclusive lock on a table makes everybody behind it wait, already while it is waited for. So what takes long (copying
-- strays, reading an archive again) happens before it, each wait for it is short, and it is tried a bounded number of times.

DROP FUNCTION agentforge.retire_partition(text, boolean);

-- The column by which a table is partitioned.
CREATE FUNCTION agentforge.partition_key(wanted text) RETURNS name
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found name;
BEGIN
    SELECT a.attname INTO found
    FROM agentforge.partition_settings AS s
    JOIN pg_partitioned_table AS p ON p.partrelid = format('agentforge.%I', s.table_name)::regclass
    JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE s.table_name = wanted;
    IF found IS NULL THEN
        RAISE EXCEPTION 'there is no partitioned table %', wanted;
    END IF;
    RETURN found;
END
$$;

-- Since which transaction a table that will be a partition has been filled; NULL for any other table, or none.
CREATE FUNCTION agentforge.filled_since(partition_name text) RETURNS xid
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT substring(
        obj_description(to_regclass(format('agentforge.%I', partition_name)), 'pg_class') FROM '^to be a partition, filled since (\d+)$'
    )::xid
$$;

CREATE FUNCTION agentforge.mark_filled(partition_name text, since xid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('COMMENT ON TABLE agentforge.%I IS %L', partition_name, 'to be a partition, filled since ' || since);
END
$$;

-- The months for which a table wants partitions: from that of `at` to `months_ahead` later, and those of strays in the
-- default, ten years of them at a time: each takes locks, whose number is limited. Months are those of UTC, so no clock
-- change makes one too long. A name that is taken (by a partition that was detached and kept) gets a number.
CREATE OR REPLACE FUNCTION agentforge.missing_months(wanted text, months_ahead integer, at timestamptz)
    RETURNS TABLE (partition_name text, low timestamptz, high timestamptz)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format($query$
        SELECT free.name, month.low, month.high
        FROM (
            (SELECT date_trunc('month', %1$I AT TIME ZONE 'UTC') FROM agentforge.%2$I
             WHERE %1$I >= '0001-01-01 00:00:00+00' AND %1$I < '9999-12-01 00:00:00+00'
             GROUP BY 1 ORDER BY 1 LIMIT 120)
            UNION
            SELECT generate_series(
                date_trunc('month', $1 AT TIME ZONE 'UTC'),
                date_trunc('month', $1 AT TIME ZONE 'UTC') + make_interval(months => $2), interval '1 month'
            )
        ) AS wanted (month)
        CROSS JOIN LATERAL (
            SELECT wanted.month AT TIME ZONE 'UTC' AS low, (wanted.month + interval '1 month') AT TIME ZONE 'UTC' AS high,
                   $3 || to_char(wanted.month, '"_y"YYYY"m"MM') AS name
        ) AS month
        CROSS JOIN LATERAL (
            SELECT month.name || CASE n WHEN 1 THEN '' ELSE '_' || n END AS name FROM generate_series(1, 100) AS n
            WHERE to_regclass(format('agentforge.%%I', month.name || CASE n WHEN 1 THEN '' ELSE '_' || n END)) IS NULL
               OR agentforge.filled_since(month.name || CASE n WHEN 1 THEN '' ELSE '_' || n END) IS NOT NULL
            ORDER BY n LIMIT 1
        ) AS free
        WHERE NOT EXISTS (
            SELECT FROM agentforge.partitions AS p
            WHERE p.table_name = $3 AND p.range_start <= month.low AND p.range_end > month.low
        )
        ORDER BY month.low
    $query$, agentforge.partition_key(wanted), wanted || '_default') USING at, months_ahead, wanted;
END
$$;

-- The columns of a table that can be written, in their order.
CREATE FUNCTION agentforge.plain_columns(wanted text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = format('agentforge.%I', wanted)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
$$;

-- A table that will be a partition, with the strays of its month copied to it; the default keeps them until
-- `rollover_partitions` makes it one. Locks nothing against writers or readers. Returns the rows copied.
CREATE FUNCTION agentforge.prepare_partition(
    wanted text, partition_name text, low timestamptz, high timestamptz
) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
DECLARE
    key_column name := agentforge.partition_key(wanted);
    columns text := agentforge.plain_columns(wanted);
    since xid := pg_snapshot_xmin(pg_current_snapshot())::xid;
    copied bigint;
BEGIN
    IF agentforge.filled_since(partition_name) IS NOT NULL THEN
        RETURN 0;  -- `catch_up` brings the rest
    END IF;
    -- The CHECK spares a scan when it becomes a partition; the identity is the parent's.
    EXECUTE format(
        'CREATE TABLE agentforge.%1$I (LIKE agentforge.%2$I INCLUDING ALL EXCLUDING IDENTITY, '
        'CONSTRAINT %3$I CHECK (%4$I >= %5$L AND %4$I < %6$L))',
        partition_name, wanted, partition_name || '_range', key_column, low, high
    );
    EXECUTE format('ALTER TABLE agentforge.%I OWNER TO agentforge_owner', partition_name);  -- whoever makes it
    PERFORM agentforge.mark_filled(partition_name, since);
    EXECUTE format(
        'INSERT INTO agentforge.%1$I (%2$s) SELECT %2$s FROM agentforge.%3$I WHERE %4$I >= $1 AND %4$I < $2',
        partition_name, columns, wanted || '_default', key_column
    ) USING low, high;
    GET DIAGNOSTICS copied = ROW_COUNT;
    RETURN copied;
END
$$;

-- Bring prepared tables up to what the default holds for their months now: rows that came, changed or went since they were
-- filled. Returns, for each of `names`, the rows it has; the last number is of those that have no table. With `known`, what an
-- earlier call returned, the default is only searched for what is new since: rows that went are seen by their number.
CREATE FUNCTION agentforge.catch_up(
    wanted text, names text[], lows timestamptz[], highs timestamptz[], known bigint[] DEFAULT NULL
) RETURNS bigint[] LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key_column name := agentforge.partition_key(wanted);
    columns text := agentforge.plain_columns(wanted);
    stray text := wanted || '_default';
    others constant integer := cardinality(names) + 1;
    since xid := pg_snapshot_xmin(pg_current_snapshot())::xid;
    counts bigint[] := coalesce(known, array_fill(0::bigint, ARRAY[others]));
    old_age integer;
    total bigint;
    new_rows tid[];
    scan text := 'count(*) AS rows, array_agg(ctid) FILTER (WHERE age(xmin) <= $1) AS fresh FROM agentforge.%2$I';
    found record;
    place integer;
    gone bigint;
    came bigint;
BEGIN
    SELECT max(age(agentforge.filled_since(name))) INTO old_age FROM unnest(names) AS name;
    IF known IS NOT NULL THEN
        EXECUTE format('SELECT count(*), array_agg(ctid) FILTER (WHERE age(xmin) <= $1) FROM agentforge.%I', stray)
            INTO total, new_rows USING old_age;
        scan := '0::bigint AS rows, array_agg(ctid) AS fresh FROM agentforge.%2$I WHERE ctid = ANY ($2)';
    END IF;
    FOR found IN EXECUTE format(
        'SELECT date_trunc(''month'', %1$I AT TIME ZONE ''UTC'') AT TIME ZONE ''UTC'' AS month, ' || scan || ' GROUP BY 1',
        key_column, stray
    ) USING old_age, new_rows LOOP
        place := coalesce(array_position(lows, found.month), others);
        counts[place] := counts[place] + found.rows;
        IF place = others THEN
            total := NULL;  -- whether such a row is new cannot be told from the copies
        ELSIF found.fresh IS NOT NULL THEN
            EXECUTE format(
                'DELETE FROM agentforge.%1$I WHERE (id, %2$I) IN (SELECT id, %2$I FROM agentforge.%3$I WHERE ctid = ANY ($1))',
                names[place], key_column, stray
            ) USING found.fresh;
            GET DIAGNOSTICS gone = ROW_COUNT;
            EXECUTE format(
                'INSERT INTO agentforge.%1$I (%2$s) SELECT %2$s FROM agentforge.%3$I WHERE ctid = ANY ($1)',
                names[place], columns, stray
            ) USING found.fresh;
            GET DIAGNOSTICS came = ROW_COUNT;
            counts[place] := counts[place] + CASE WHEN known IS NULL THEN 0 ELSE came - gone END;
        END IF;
    END LOOP;
    IF known IS NOT NULL THEN
        IF total = (SELECT sum(n) FROM unnest(counts) AS n) THEN
            RETURN counts;
        END IF;
        RETURN agentforge.catch_up(wanted, names, lows, highs);
    END IF;
    FOR place IN 1 .. cardinality(names) LOOP
        EXECUTE format('SELECT count(*) FROM agentforge.%I', names[place]) INTO came;
        IF came <> counts[place] THEN
            EXECUTE format(
                'DELETE FROM agentforge.%1$I AS copy WHERE NOT EXISTS ('
                'SELECT FROM agentforge.%2$I AS stray WHERE stray.id = copy.id AND stray.%3$I = copy.%3$I '
                'AND stray.%3$I >= $1 AND stray.%3$I < $2)',
                names[place], stray, key_column
            ) USING lows[place], highs[place];
        END IF;
        PERFORM agentforge.mark_filled(names[place], since);
    END LOOP;
    RETURN counts;
END
$$;

-- Lock a partitioned table with its default and one more `leaf` against everybody, and what it refers to as `mode` says. A wait
-- is shorter than deadlock_timeout, so that in a deadlock it is we who give up; between two waits others go on.
-- `agentforge.lock_attempts` says how often it is tried. A leaf that was archived is first shown to be what the archive holds:
-- as many rows, and none by a transaction that the snapshot `archived_since` did not see. Returns whether it is.
CREATE FUNCTION agentforge.lock_partitioned(
    wanted text, mode text, leaf text DEFAULT NULL, archived_rows bigint DEFAULT NULL, archived_since pg_snapshot DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '400ms' AS $$
DECLARE
    attempts constant integer := coalesce(nullif(current_setting('agentforge.lock_attempts', true), '')::integer, 10);
    low constant xid := pg_snapshot_xmin(archived_since)::xid;
    high constant xid := pg_snapshot_xmax(archived_since)::xid;
    running constant xid[] := ARRAY(SELECT x::xid FROM pg_snapshot_xip(archived_since) AS x);
    referred regclass;
    unchanged boolean;
BEGIN
    FOR attempt IN 1 .. attempts LOOP
        BEGIN
            IF archived_rows IS NOT NULL THEN
                EXECUTE format('LOCK TABLE ONLY agentforge.%I IN SHARE MODE', leaf);  -- reading it again may take a while
                EXECUTE format(
                    'SELECT count(*) = $1 AND count(*) FILTER ('
                    'WHERE age(xmin) <= age($2) AND (age(xmin) <= age($3) OR xmin = ANY ($4))) = 0 FROM agentforge.%I', leaf
                ) INTO unchanged USING archived_rows, low, high, running;
                IF NOT unchanged THEN
                    RETURN false;
                END IF;
            END IF;
            FOR referred IN
                SELECT DISTINCT confrelid::regclass FROM pg_constraint
                WHERE conrelid = format('agentforge.%I', wanted)::regclass AND contype = 'f' ORDER BY 1
            LOOP
                EXECUTE format('LOCK TABLE ONLY %s IN %s MODE', referred, mode);
            END LOOP;
            EXECUTE format('LOCK TABLE ONLY agentforge.%I IN ACCESS EXCLUSIVE MODE', wanted);
            EXECUTE format('LOCK TABLE ONLY agentforge.%I IN ACCESS EXCLUSIVE MODE', wanted || '_default');
            IF leaf IS NOT NULL THEN
                EXECUTE format('LOCK TABLE ONLY agentforge.%I IN ACCESS EXCLUSIVE MODE', leaf);
            END IF;
            RETURN true;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF attempt >= attempts THEN
                RAISE;
            END IF;
        END;
        PERFORM pg_sleep(0.2 * attempt);
    END LOOP;
END
$$;

-- Make the partitions that are missing, and move strays there. Returns what was made, and the rows moved to it. What
-- `prepare_partition` has copied in a transaction of its own is used; the rest is copied here, before anything is locked.
CREATE OR REPLACE FUNCTION agentforge.rollover_partitions(
    wanted text, months_ahead integer DEFAULT 3, at timestamptz DEFAULT now()
) RETURNS TABLE (partition_name text, moved bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
DECLARE
    names text[];
    lows timestamptz[];
    highs timestamptz[];
    counts bigint[];
    strays bigint;
    key_column name := agentforge.partition_key(wanted);
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'partitions are made in a transaction of isolation level read committed: another one does not see late rows';
    END IF;
    SELECT array_agg(m.partition_name), array_agg(m.low), array_agg(m.high) INTO names, lows, highs
    FROM agentforge.missing_months(wanted, months_ahead, at) AS m;
    IF names IS NULL THEN
        RETURN;  -- without a lock, on nearly all days
    END IF;
    FOR place IN 1 .. cardinality(names) LOOP
        PERFORM agentforge.prepare_partition(wanted, names[place], lows[place], highs[place]);
    END LOOP;
    counts := agentforge.catch_up(wanted, names, lows, highs);
    -- Writers must wait before they choose a partition: one that had chosen the default would find it closed to its row.
    PERFORM agentforge.lock_partitioned(wanted, 'SHARE ROW EXCLUSIVE');
    EXECUTE format('ALTER TABLE agentforge.%I DISABLE TRIGGER USER', wanted || '_default');  -- a move is neither of its halves
    counts := agentforge.catch_up(wanted, names, lows, highs, counts);
    SELECT coalesce(sum(n), 0) INTO strays FROM unnest(counts[:cardinality(names)]) AS n;
    IF strays > 10000 AND counts[cardinality(names) + 1] = 0 THEN
        -- A million rows are deleted in seconds, and writers wait. An older snapshot (REPEATABLE READ) that reads the table
        -- for the first time after this misses them, so few rows are deleted.
        EXECUTE format('TRUNCATE agentforge.%I', wanted || '_default');
    END IF;
    FOR place IN 1 .. cardinality(names) LOOP
        IF counts[place] > 0 THEN
            EXECUTE format('DELETE FROM agentforge.%1$I WHERE %2$I >= $1 AND %2$I < $2', wanted || '_default', key_column)
                USING lows[place], highs[place];
        END IF;
        EXECUTE format(
            'ALTER TABLE agentforge.%I ATTACH PARTITION agentforge.%I FOR VALUES FROM (%L) TO (%L)',
            wanted, names[place], lows[place], highs[place]
        );
        EXECUTE format('ALTER TABLE agentforge.%I DROP CONSTRAINT %I', names[place], names[place] || '_range');
        EXECUTE format('COMMENT ON TABLE agentforge.%I IS NULL', names[place]);
        PERFORM agentforge.audit_table(format('agentforge.%I', names[place])::regclass);
        partition_name := names[place];
        moved := counts[place];
        RETURN NEXT;
    END LOOP;
    EXECUTE format('ALTER TABLE agentforge.%I ENABLE TRIGGER USER', wanted || '_default');
    FOR place IN 1 .. cardinality(names) LOOP
        IF counts[place] > 0 THEN
            PERFORM agentforge.add_audit_entry('MOVE', names[place], counts[place]);
        END IF;
    END LOOP;
END
$$;

-- Drop what an interrupted rollover had prepared and nobody wants any more. Their rows are in the default. Returns how many.
CREATE FUNCTION agentforge.drop_unwanted_preparations(wanted text, months_ahead integer DEFAULT 3, at timestamptz DEFAULT now())
    RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    leftover name;
    dropped bigint := 0;
BEGIN
    FOR leftover IN
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
          AND starts_with(c.relname, wanted || '_y') AND agentforge.filled_since(c.relname) IS NOT NULL
          AND c.relname NOT IN (SELECT m.partition_name FROM agentforge.missing_months(wanted, months_ahead, at) AS m)
    LOOP
        EXECUTE format('DROP TABLE agentforge.%I', leftover);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

-- Has a default had rows for a day, and has nobody tried to mend that in the last day? A month without a partition does no
-- harm before that.
CREATE FUNCTION agentforge.rollover_is_due(at timestamptz DEFAULT now()) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text;
    due boolean := false;
BEGIN
    FOR wanted IN
        SELECT s.table_name FROM agentforge.partition_settings AS s
        WHERE NOT EXISTS (
            SELECT FROM agentforge.performance_metrics AS m
            WHERE m.metric_name = 'maintenance.step.seconds' AND m.recorded_at > at - interval '1 day'
              AND m.tags @> '{"step": "rollover"}'
        )
    LOOP
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM agentforge.%I WHERE %I < $1)', wanted || '_default', agentforge.partition_key(wanted)
        ) INTO due USING at - interval '1 day';
        EXIT WHEN due;
    END LOOP;
    RETURN due;
END
$$;

-- The partitions that ended longer ago than their table is kept.
CREATE OR REPLACE FUNCTION agentforge.expired_partitions(at timestamptz DEFAULT now())
    RETURNS TABLE (table_name text, partition_name text, range_end timestamptz)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.table_name, p.partition_name, p.range_end
    FROM agentforge.partitions AS p JOIN agentforge.partition_settings AS s USING (table_name)
    WHERE p.range_end <= at - s.retention
    ORDER BY p.range_end, p.partition_name
$$;

-- Detach a partition, and drop it unless it is to be kept; one that was archived, only if it still is what the archive holds.
-- Returns whether it was.
CREATE FUNCTION agentforge.retire_partition(
    wanted text, keep boolean DEFAULT false, archived_rows bigint DEFAULT NULL, archived_since pg_snapshot DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parent text;
    month date;
    -- To drop a table that refers to another one changes the other one, too.
    mode constant text := CASE WHEN keep THEN 'SHARE ROW EXCLUSIVE' ELSE 'ACCESS EXCLUSIVE' END;
BEGIN
    SELECT table_name, (range_start AT TIME ZONE 'UTC')::date INTO parent, month
    FROM agentforge.partitions WHERE partition_name = wanted AND NOT is_default;
    IF parent IS NULL THEN
        RAISE EXCEPTION 'there is no partition %', wanted;
    END IF;
    IF NOT agentforge.lock_partitioned(parent, mode, wanted, archived_rows, archived_since) THEN
        RETURN false;
    END IF;
    EXECUTE format('ALTER TABLE agentforge.%I DETACH PARTITION agentforge.%I', parent, wanted);
    IF NOT keep THEN
        EXECUTE format('DROP TABLE agentforge.%I', wanted);
    END IF;
    IF parent = 'audit_logs' THEN
        PERFORM agentforge.drop_chain(month);
    END IF;
    PERFORM agentforge.add_audit_entry(CASE WHEN keep THEN 'DETACH' ELSE 'DROP' END, wanted, archived_rows);
    RETURN true;
END
$$;

-- Drop what is past its retention, and sessions that have expired. Returns how many of each.
CREATE OR REPLACE FUNCTION agentforge.cleanup_old_data(
    at timestamptz DEFAULT now(), OUT partitions_dropped bigint, OUT sessions_deleted bigint
) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT count(agentforge.retire_partition(e.partition_name)) INTO partitions_dropped
    FROM agentforge.expired_partitions(at) AS e;
    DELETE FROM agentforge.user_sessions WHERE expires_at < at;
    GET DIAGNOSTICS sessions_deleted = ROW_COUNT;
END
$$;

-- Refresh both views, and no reader waits.
CREATE OR REPLACE FUNCTION agentforge.refresh_materialized_views() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    REFRESH MATERIALIZED VIEW CONCURRENTLY agentforge.daily_compliance_summary;
    REFRESH MATERIALIZED VIEW CONCURRENTLY agentforge.weekly_performance_summary;
END
$$;

REVOKE EXECUTE ON FUNCTION
    agentforge.partition_key(text), agentforge.filled_since(text), agentforge.mark_filled(text, xid),
    agentforge.missing_months(text, integer, timestamptz),
    agentforge.plain_columns(text), agentforge.prepare_partition(text, text, timestamptz, timestamptz),
    agentforge.catch_up(text, text[], timestamptz[], timestamptz[], bigint[]),
    agentforge.lock_partitioned(text, text, text, bigint, pg_snapshot),
    agentforge.rollover_partitions(text, integer, timestamptz),
    agentforge.drop_unwanted_preparations(text, integer, timestamptz), agentforge.rollover_is_due(timestamptz),
    agentforge.expired_partitions(timestamptz), agentforge.retire_partition(text, boolean, bigint, pg_snapshot),
    agentforge.cleanup_old_data(timestamptz), agentforge.refresh_materialized_views()
FROM PUBLIC;
