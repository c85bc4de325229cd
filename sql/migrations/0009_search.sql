-- What a search needs beside a vector, in the vector's own row, so that a scan of candidates looks nowhere else; and what
-- the rows of functions do not need. docs/adr/0003-approximate-search.md has the measurements.

ALTER TABLE agentforge.function_embeddings ADD COLUMN branch text, ADD COLUMN file_type text;
UPDATE agentforge.function_embeddings AS e SET branch = a.branch, file_type = coalesce(a.file_type, '')
FROM agentforge.functions AS f JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
WHERE f.id = e.function_id;
ALTER TABLE agentforge.function_embeddings ALTER COLUMN branch SET NOT NULL, ALTER COLUMN file_type SET NOT NULL;

-- One index finds the vector of a function, serves the reference to it, and holds the key.
ALTER TABLE agentforge.function_embeddings
    DROP CONSTRAINT function_embeddings_pkey, ADD PRIMARY KEY (function_id, project_id, model_id);
DROP INDEX agentforge.function_embeddings_function, agentforge.function_embeddings_project;
CREATE INDEX function_embeddings_scope ON agentforge.function_embeddings (project_id, branch, file_type, model_id);
ALTER TABLE agentforge.code_embeddings
    DROP CONSTRAINT code_embeddings_pkey, ADD PRIMARY KEY (chunk_id, project_id, model_id);
DROP INDEX agentforge.code_embeddings_chunk;
CREATE INDEX function_embeddings_model ON agentforge.function_embeddings (model_id);
CREATE INDEX code_embeddings_model ON agentforge.code_embeddings (model_id);
SELECT agentforge.audit_table(tree.relid)  -- names the columns of the key
FROM unnest('{agentforge.function_embeddings,agentforge.code_embeddings}'::regclass[]) AS changed (parent),
     pg_partition_tree(changed.parent) AS tree;

-- A hash as 32 bytes; it is only ever asked for as a whole, for which a hash index is a third of a B-tree.
DROP INDEX agentforge.functions_code_hash, agentforge.code_chunks_code_hash;
ALTER TABLE agentforge.functions ALTER COLUMN code_hash TYPE bytea USING
    CASE WHEN code_hash ~ '^([0-9a-f]{2})*$' THEN decode(code_hash, 'hex') ELSE convert_to(code_hash, 'UTF8') END;
ALTER TABLE agentforge.code_chunks ALTER COLUMN code_hash TYPE bytea USING
    CASE WHEN code_hash ~ '^([0-9a-f]{2})*$' THEN decode(code_hash, 'hex') ELSE convert_to(code_hash, 'UTF8') END;
CREATE INDEX functions_code_hash ON agentforge.functions USING hash (code_hash);
CREATE INDEX code_chunks_code_hash ON agentforge.code_chunks USING hash (code_hash);

-- How many functions of which language an analysis left in its branch: a search chooses its way by them.
UPDATE agentforge.project_analyses AS a
SET results = coalesce(a.results, '{}') || jsonb_build_object('functions', coalesce((
    SELECT jsonb_object_agg(counted.file_type, counted.functions) FROM (
        SELECT f.file_type, sum(f.function_count) AS functions FROM agentforge.file_analyses AS f
        WHERE f.project_id = a.project_id AND f.branch = a.branch AND f.superseded_by IS NULL AND f.function_count > 0
          AND f.file_type IS NOT NULL
        GROUP BY f.file_type
    ) AS counted
), '{}'))
WHERE a.status = 'completed' AND a.id = (
    SELECT max(b.id) FROM agentforge.project_analyses AS b
    WHERE b.project_id = a.project_id AND b.branch = a.branch AND b.status = 'completed'
);

-- The statement that makes the approximate index over the vectors of a model. Unless it is `blocking`, writers go on meanwhile;
-- it is then to be run outside of any function. This is the one place that says what the index is. It is built with more care
-- than pgvector's default (64): vectors of code lie far apart, and a search found a few percent less.
CREATE FUNCTION agentforge.vector_index_statement(
    model integer, blocking boolean, parent text DEFAULT 'function_embeddings'
) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(
        'CREATE INDEX %1$s IF NOT EXISTS %2$I ON agentforge.%3$I '
        'USING hnsw ((embedding::%4$I.halfvec(%5$s)) %4$I.halfvec_cosine_ops) WITH (m = 16, ef_construction = 400)',
        CASE WHEN blocking THEN '' ELSE 'CONCURRENTLY' END, parent || '_' || m.id || '_hnsw',
        parent || '_' || m.id, n.nspname, m.dimension
    )
    FROM agentforge.embedding_models AS m
    JOIN pg_extension AS e ON e.extname = 'vector'
    JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE m.id = model
$$;

DROP FUNCTION agentforge.ensure_vector_index(integer);
CREATE FUNCTION agentforge.ensure_vector_index(model integer, parent text DEFAULT 'function_embeddings') RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    statement text := agentforge.vector_index_statement(model, true, parent);
BEGIN
    IF statement IS NULL THEN
        RAISE EXCEPTION 'there is no embedding model %', model;
    END IF;
    EXECUTE statement;
END
$$;

