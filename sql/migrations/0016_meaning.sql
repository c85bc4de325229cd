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

-- Lists of neighbours hold for the vectors that they were made of, those of the functions up to embedding_models.listed_up_to.
-- `db maintain` makes none past a function without meaning, so only whoever embeds old functions by another model, or changes a
-- vector by hand, gets here: the lists of that model are made anew then.
CREATE FUNCTION agentforge.drop_stale_lists() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stale integer;
BEGIN
    FOR stale IN
        SELECT m.id FROM agentforge.embedding_models AS m
        WHERE m.listed_up_to > 0
          AND EXISTS (SELECT FROM new_rows AS n WHERE n.model_id = m.id AND n.function_id <= m.listed_up_to)
        ORDER BY m.id
    LOOP
        DELETE FROM agentforge.function_neighbours AS n WHERE n.model_id = stale;
        UPDATE agentforge.embedding_models AS m SET listed_up_to = 0 WHERE m.id = stale;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER stale_lists_insert AFTER INSERT ON agentforge.function_embeddings
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION agentforge.drop_stale_lists();
CREATE TRIGGER stale_lists_update AFTER UPDATE ON agentforge.function_embeddings
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION agentforge.drop_stale_lists();

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

-- As nearest_functions(), but by words and structure alone, whether or not a vector has meaning. A scan: no index holds these parts.
CREATE FUNCTION agentforge.nearest_by_features(
    subject bigint, query halfvec, model integer, here_project bigint, here_path text, here_start integer, here_end integer,
    wanted bigint[], language text, most integer
) RETURNS TABLE (
    id bigint, project_id bigint, code_hash text, file_path text, file_type text, qualified_name text,
    function_signature text, start_line integer, end_line integer, lines_of_code integer, cyclomatic integer,
    cognitive integer, code text, project text, distance double precision
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    scope record := agentforge.search_scope(wanted, language);
    first integer;
    width integer;
    part halfvec;
    excluded bigint[];
BEGIN
    SELECT coalesce(m.channels[1], 0) + 1, m.dimension - coalesce(m.channels[1], 0) INTO first, width
    FROM agentforge.embedding_models AS m WHERE m.id = model;
    IF subject IS NOT NULL THEN
        SELECT e.embedding, f.project_id, a.file_path, f.start_line, f.end_line
        INTO query, here_project, here_path, here_start, here_end
        FROM agentforge.function_embeddings AS e
        JOIN agentforge.functions AS f ON f.id = e.function_id
        JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
        WHERE e.function_id = subject AND e.model_id = model;
    END IF;
    part := subvector(query, first, width);
    excluded := ARRAY(
        SELECT f.id FROM agentforge.file_analyses AS a JOIN agentforge.functions AS f ON f.file_analysis_id = a.id
        WHERE a.project_id = here_project AND a.file_path = here_path AND a.superseded_by IS NULL
          AND f.start_line <= here_end AND here_start <= f.end_line);
    RETURN QUERY
    SELECT f.id, f.project_id, encode(f.code_hash, 'hex'), a.file_path, a.file_type, f.qualified_name, f.function_signature,
           f.start_line, f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive, f.code, p.name, n.distance
    FROM (
        SELECT e.function_id, (subvector(e.embedding, first, width) <=> part) + 0 AS distance
        FROM unnest(scope.projects, scope.branches) AS s (project_id, branch)
        JOIN agentforge.function_embeddings AS e ON e.project_id = s.project_id AND e.branch = s.branch
        WHERE e.model_id = model AND (language IS NULL OR e.file_type = language) AND e.function_id <> ALL (excluded)
        ORDER BY distance, e.function_id LIMIT most
    ) AS n
    JOIN agentforge.functions AS f ON f.id = n.function_id
    JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
    JOIN agentforge.projects AS p ON p.id = f.project_id
    ORDER BY n.distance, f.id;
END
$$;

GRANT EXECUTE ON FUNCTION agentforge.ensure_embedding_model(text, text, integer, integer[]),
    agentforge.without_meaning(bigint, integer, bigint[], text),
    agentforge.nearest_by_features(
        bigint, halfvec, integer, bigint, text, integer, integer, bigint[], text, integer) TO agentforge_app;
