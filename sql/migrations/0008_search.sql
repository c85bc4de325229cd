-- The statement that makes the approximate index over the vectors of a model. Unless it is `blocking`, writers go on meanwhile;
-- it is then to be run outside of any function. This is the one place that says what the index is.
CREATE FUNCTION agentforge.vector_index_statement(model integer, blocking boolean) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(
        'CREATE INDEX %1$s IF NOT EXISTS %2$I ON agentforge.%3$I USING hnsw ((embedding::%4$I.halfvec(%5$s)) %4$I.halfvec_cosine_ops)',
        CASE WHEN blocking THEN '' ELSE 'CONCURRENTLY' END, 'function_embeddings_' || m.id || '_hnsw',
        'function_embeddings_' || m.id, n.nspname, m.dimension
    )
    FROM agentforge.embedding_models AS m
    JOIN pg_extension AS e ON e.extname = 'vector'
    JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE m.id = model
$$;

CREATE OR REPLACE FUNCTION agentforge.ensure_vector_index(model integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statement text := agentforge.vector_index_statement(model, true);
BEGIN
    IF statement IS NULL THEN
        RAISE EXCEPTION 'there is no embedding model %', model;
    END IF;
    EXECUTE statement;
END
$$;

