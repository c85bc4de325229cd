-- Vectors of three channels, of which the meaning may come later than the analysis. docs/adr/0005-meaning-comes-later.md

-- The embedder of words and structure has a name that says what it is for. Its vectors are what they were.
UPDATE agentforge.embedding_models SET name = 'fast' WHERE name = 'hashed';

-- How many components of a vector are meaning, words and structure, in this order; empty where a model has one channel.
ALTER TABLE agentforge.embedding_models ADD COLUMN channels integer[] NOT NULL DEFAULT '{}'
    CHECK (channels = '{}' OR (cardinality(channels) = 3 AND array_position(channels, NULL) IS NULL
                               AND channels[1] + channels[2] + channels[3] = dimension));
UPDATE agentforge.embedding_models SET channels = '{0,160,96}' WHERE name = 'fast' AND dimension = 256;
SELECT agentforge.audit_table(
    'agentforge.embedding_models', 'row', '{name,version,dimension,created_at,listed_up_to,channels}');

-- True while the meaning in a vector is 0 because nobody has computed it yet. Code outside functions never has any.
ALTER TABLE agentforge.function_embeddings ADD COLUMN lacks_meaning boolean NOT NULL DEFAULT false;
CREATE INDEX function_embeddings_lacking ON agentforge.function_embeddings (project_id, function_id) WHERE lacks_meaning;

DROP FUNCTION agentforge.ensure_embedding_model(text, text, integer);
CREATE FUNCTION agentforge.ensure_embedding_model(
    model_name text, model_version text, model_dimension integer, model_channels integer[] DEFAULT '{}'
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
    INSERT INTO agentforge.embedding_models (name, version, dimension, channels)
    VALUES (model_name, model_version, model_dimension, model_channels)
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

-- How many functions that a search looks into have no meaning yet, and whether the one that it is for has none.
CREATE FUNCTION agentforge.without_meaning(
    subject bigint, model integer, wanted bigint[], language text, OUT functions bigint, OUT subject_too boolean
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    scope record;
BEGIN
    functions := 0;
    subject_too := false;
    IF NOT EXISTS (SELECT FROM agentforge.function_embeddings AS e WHERE e.model_id = model AND e.lacks_meaning) THEN
        RETURN;
    END IF;
    scope := agentforge.search_scope(wanted, language);
    SELECT count(*) INTO functions
    FROM agentforge.function_embeddings AS e
    WHERE e.model_id = model AND e.lacks_meaning AND (language IS NULL OR e.file_type = language)
      AND ((e.project_id, e.branch) IN (
          SELECT s.project_id, s.branch FROM unnest(scope.projects, scope.branches) AS s (project_id, branch)
      )) IS TRUE;
    subject_too := EXISTS (
        SELECT FROM agentforge.function_embeddings AS e
        WHERE e.function_id = subject AND e.model_id = model AND e.lacks_meaning);
END
$$;

GRANT EXECUTE ON FUNCTION agentforge.ensure_embedding_model(text, text, integer, integer[]),
    agentforge.without_meaning(bigint, integer, bigint[], text) TO agentforge_app;
