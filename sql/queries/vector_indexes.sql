-- resources --
-- An approximate index that does not fit is built many times slower. Without workers it needs no shared memory, of which
-- containers have little, and leaves the other cores to those who work.
SELECT set_config('maintenance_work_mem', '512MB', false), set_config('max_parallel_maintenance_workers', '0', false),
       set_config('lock_timeout', '60s', false);

-- usual_resources --
RESET maintenance_work_mem;
RESET max_parallel_maintenance_workers;

-- leftovers --
-- What an interrupted CREATE INDEX or REINDEX CONCURRENTLY left: every write pays for it, no search uses it.
SELECT c.relname, format('DROP INDEX CONCURRENTLY IF EXISTS agentforge.%I', c.relname)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind = 'i' AND NOT c.relispartition AND NOT i.indisvalid
  AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = c.oid)
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS b WHERE b.relid = i.indrelid)
ORDER BY 1;

-- bloated --
-- An index of vectors with more than twice the bytes that its rows take in a new one, or whose rows were changed or deleted
-- (for half of their number) since it was last built: its graph is then full of holes. A row takes its vector of 2 bytes a
-- dimension, its neighbours and their heads: pgvector's layout with 16 connections.
WITH vector_indexes AS (
    SELECT c.relname AS name, greatest(t.reltuples, 0) AS rows, pg_relation_size(c.oid) AS bytes,
           greatest(t.reltuples, 0) * (2 * greatest(a.atttypmod, 0) + 310) AS expected,
           s.n_tup_upd + s.n_tup_del AS changes,
           (SELECT m.metric_value FROM agentforge.performance_metrics AS m
            WHERE m.metric_name = 'maintenance.reindex.changes' AND m.tags @> jsonb_build_object('index', c.relname)
            ORDER BY m.recorded_at DESC LIMIT 1) AS changes_then
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
    JOIN pg_am AS method ON method.oid = c.relam AND method.amname = 'hnsw'
    JOIN pg_class AS t ON t.oid = i.indrelid AND t.reltuples >= 0
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = 1
    JOIN pg_stat_user_tables AS s ON s.relid = t.oid
    WHERE c.relnamespace = 'agentforge'::regnamespace AND i.indisvalid
), since AS (
    SELECT *, changes - CASE WHEN changes_then <= changes THEN changes_then ELSE 0 END AS new_changes FROM vector_indexes
)
SELECT name, format('REINDEX INDEX CONCURRENTLY agentforge.%I', name), changes
FROM since
WHERE (new_changes > 0 AND bytes > 2 * expected AND bytes > 1000000) OR (new_changes > 1000 AND new_changes > 0.5 * rows)
ORDER BY name;

-- record_reindex --
INSERT INTO agentforge.performance_metrics (metric_name, metric_value, tags)
VALUES ('maintenance.reindex.changes', %(changes)s, jsonb_build_object('index', %(name)s::text));

-- wanted --
-- Models with more functions than an exact scan pays for, and no index, or one that has been outgrown: a tenth of the functions
-- are younger than it, or it holds them all, so that each write pays for it. It waits a day for vectors that are still to be filled
-- with meaning: each would be put into it again. What nobody has filled by then, he may never fill, and others search meanwhile.
SELECT c.relname, agentforge.vector_index_statement(
           m.id, false, 'function_embeddings',
           CASE WHEN to_regclass(format('agentforge.%%I', 'function_embeddings_' || m.id || '_hnsw')) IS NULL THEN ''
                ELSE '_' || pg_sequence_last_value('agentforge.functions_id_seq') END)
FROM agentforge.embedding_models AS m
JOIN pg_class AS c ON c.oid = to_regclass(format('agentforge.%%I', 'function_embeddings_' || m.id))
WHERE c.reltuples >= %(rows)s
  AND (SELECT count(*) FROM agentforge.function_embeddings AS e
       JOIN agentforge.functions AS f ON f.id = e.function_id
       JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
       WHERE e.model_id = m.id AND e.lacks_meaning AND a.created_at > now() - interval '1 day')
      <= 0.01 * c.reltuples
  AND NOT EXISTS (
      SELECT FROM agentforge.vector_indexes(m.id) AS i
      WHERE (SELECT count(*) FROM agentforge.function_embeddings AS e WHERE e.model_id = m.id AND e.function_id > i.up_to)
            <= 0.1 * c.reltuples AND i.up_to IS NOT NULL
  )
ORDER BY m.id;

-- superseded --
-- Indexes of vectors beside another one that holds younger functions, too.
SELECT old.index_name, format('DROP INDEX CONCURRENTLY IF EXISTS agentforge.%I', old.index_name)
FROM agentforge.embedding_models AS m
CROSS JOIN agentforge.vector_indexes(m.id) AS old
WHERE EXISTS (
    SELECT FROM agentforge.vector_indexes(m.id) AS new WHERE new.up_to > coalesce(old.up_to, -1)
)
ORDER BY 1;

-- unmended --
-- Tables whose index of vectors autovacuum would mend around each row that has gone, which takes longer than to make another one:
-- it leaves it, and frees the room of rows all the same.
SELECT format('ALTER TABLE agentforge.%I SET (vacuum_index_cleanup = off)', c.relname)
FROM pg_class AS c
WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind = 'r'
  AND NOT coalesce(c.reloptions @> '{vacuum_index_cleanup=off}', false)
  AND EXISTS (
      SELECT FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_am AS a ON a.oid = x.relam
      WHERE i.indrelid = c.oid AND a.amname = 'hnsw' AND i.indisvalid
  );

-- clean --
-- The tables of indexes of vectors, or such tables themselves, which have just been made and so name no row that has gone; other
-- indexes of theirs still do.
SELECT DISTINCT format('VACUUM (INDEX_CLEANUP on, PARALLEL 0) agentforge.%%I', t.relname)
FROM unnest(%(names)s::text[]) AS n (name)
JOIN pg_class AS c ON c.oid = to_regclass(format('agentforge.%%I', n.name))
LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
JOIN pg_class AS t ON t.oid = coalesce(i.indrelid, c.oid);
