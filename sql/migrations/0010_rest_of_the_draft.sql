-- What the draft names and had no place yet: its indexes, patterns by model, and closed sets.

CREATE INDEX users_active ON agentforge.users (username) WHERE is_active;
CREATE INDEX project_analyses_status ON agentforge.project_analyses (status, project_id) WHERE status <> 'completed';
CREATE INDEX project_analyses_completed ON agentforge.project_analyses (completed_at);
CREATE INDEX file_analyses_path ON agentforge.file_analyses (file_path);
CREATE INDEX file_analyses_quality ON agentforge.file_analyses (quality_score) WHERE superseded_by IS NULL;
CREATE INDEX standards_compliance_score ON agentforge.standards_compliance (compliance_score);
CREATE INDEX code_violations_severity ON agentforge.code_violations (project_id, severity, created_at DESC);

ALTER TABLE agentforge.api_requests ADD CONSTRAINT api_requests_method_check CHECK (method IN ('CLI', 'MCP'));

-- Patterns, like all vectors, live in a partition of their model, whose CHECK holds the dimension.
ALTER TABLE agentforge.pattern_embeddings RENAME TO former_patterns;
ALTER TABLE agentforge.former_patterns DROP CONSTRAINT pattern_embeddings_pkey;
CREATE TABLE agentforge.pattern_embeddings (
    id bigint GENERATED ALWAYS AS IDENTITY,
    model_id integer NOT NULL REFERENCES agentforge.embedding_models,
    pattern_type text NOT NULL CHECK (pattern_type IN ('vulnerability', 'smell', 'idiom')),
    pattern_name text NOT NULL CHECK (pattern_name <> ''),
    embedding halfvec NOT NULL,
    description text NOT NULL DEFAULT '',
    examples jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model_id, id),
    CONSTRAINT pattern_embeddings_name UNIQUE (model_id, pattern_type, pattern_name)
) PARTITION BY LIST (model_id);
ALTER TABLE agentforge.pattern_embeddings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY pattern_embeddings_read ON agentforge.pattern_embeddings FOR SELECT TO agentforge_app
    USING ((SELECT agentforge.current_user_id()) IS NOT NULL);
CREATE POLICY pattern_embeddings_write ON agentforge.pattern_embeddings FOR ALL TO agentforge_app
    USING ((SELECT agentforge.current_user_role()) IN ('admin', 'developer'));
CREATE POLICY pattern_embeddings_owner ON agentforge.pattern_embeddings TO agentforge_owner USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON agentforge.pattern_embeddings TO agentforge_app;
SELECT agentforge.audit_table(
    'agentforge.pattern_embeddings', 'row', '{model_id,pattern_type,pattern_name,description,created_at}');

-- The partitions of a model, in each table of vectors. They belong to the owner, whoever uses the model first.
CREATE FUNCTION agentforge.make_model_partitions(model integer, width integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parent text;
    partition_name text;
    vector_schema text;
BEGIN
    SELECT e.extnamespace::regnamespace::text INTO STRICT vector_schema FROM pg_extension AS e WHERE e.extname = 'vector';
    FOREACH parent IN ARRAY ARRAY['function_embeddings', 'code_embeddings', 'pattern_embeddings'] LOOP
        partition_name := parent || '_' || model;
        IF to_regclass(format('agentforge.%I', partition_name)) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE agentforge.%I PARTITION OF agentforge.%I (CHECK (%s.vector_dims(embedding) = %s)) '
                'FOR VALUES IN (%s)', partition_name, parent, vector_schema, width, model
            );
            PERFORM agentforge.audit_table(format('agentforge.%I', partition_name)::regclass);
        END IF;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION agentforge.ensure_embedding_model(model_name text, model_version text, model_dimension integer)
    RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    model integer;
BEGIN
    SELECT m.id INTO model FROM agentforge.embedding_models AS m
    WHERE m.name = model_name AND m.version = model_version;
    IF model IS NOT NULL THEN
        RETURN model;
    ELSIF coalesce(agentforge.current_user_role() NOT IN ('admin', 'developer'), true) THEN
        RAISE EXCEPTION 'only developers and admins may use a new embedding model' USING ERRCODE = '42501';
    END IF;
    INSERT INTO agentforge.embedding_models (name, version, dimension)
    VALUES (model_name, model_version, model_dimension)
    ON CONFLICT DO NOTHING
    RETURNING id INTO model;
    IF model IS NULL THEN
        SELECT m.id INTO STRICT model FROM agentforge.embedding_models AS m
        WHERE m.name = model_name AND m.version = model_version;
    ELSE
        PERFORM agentforge.make_model_partitions(model, model_dimension);
    END IF;
    RETURN model;
END
$$;

SELECT agentforge.make_model_partitions(id, dimension) FROM agentforge.embedding_models;
INSERT INTO agentforge.pattern_embeddings (model_id, pattern_type, pattern_name, embedding, description, examples, created_at)
SELECT model_id, CASE WHEN pattern_type IN ('vulnerability', 'smell') THEN pattern_type ELSE 'idiom' END, pattern_name,
       embedding, description, examples, created_at
FROM agentforge.former_patterns;  -- nothing of ours wrote any before
DROP TABLE agentforge.former_patterns;
