-- The mean vectors of languages, which are taken away from the vectors of a model that wants it before they are stored or compared
-- (docs/adr/0008). They belong to one version of the model, and never change: other means, another version.
CREATE TABLE agentforge.embedding_centres (
    model_id integer NOT NULL REFERENCES agentforge.embedding_models ON DELETE CASCADE,
    language text NOT NULL,
    pieces integer NOT NULL CHECK (pieces > 0),
    mean real[] NOT NULL,
    PRIMARY KEY (model_id, language)
);
COMMENT ON COLUMN agentforge.embedding_centres.language IS 'empty: of all languages that have no row; text: of sentences';
COMMENT ON COLUMN agentforge.embedding_centres.pieces IS 'of how many functions, names or (empty language) languages it is the mean';
ALTER TABLE agentforge.embedding_centres ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY embedding_centres_owner ON agentforge.embedding_centres TO agentforge_owner USING (true) WITH CHECK (true);
CREATE POLICY embedding_centres_read ON agentforge.embedding_centres FOR SELECT TO agentforge_app
    USING ((SELECT agentforge.current_user_id()) IS NOT NULL);
GRANT SELECT ON agentforge.embedding_centres TO agentforge_app;
SELECT agentforge.audit_table('agentforge.embedding_centres', 'row', '{model_id,language,pieces}');

-- A model whose vectors are centred. One set of means holds for all who use the same weights: the first that somebody counted, until
-- an admin has them counted `anew`; its id is what others get who come with means of their own. The version of a model names weights
-- and means together, so nobody can change what one is that is there.
CREATE FUNCTION agentforge.ensure_centred_model(
    model_name text, weights text, model_dimension integer, centres jsonb, anew boolean
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me record := agentforge.caller();
    holds integer;
BEGIN
    -- Two first analyses at once: the second waits, and gets what the first one counted.
    PERFORM pg_advisory_xact_lock(hashtextextended('agentforge means ' || model_name || ' ' || weights, 0));
    IF NOT anew THEN
        SELECT max(m.id) INTO holds
        FROM agentforge.embedding_models AS m JOIN agentforge.embedding_centres AS c ON c.model_id = m.id AND c.language = ''
        WHERE m.name = model_name AND starts_with(m.version, weights || '-');
        IF holds IS NOT NULL THEN
            RETURN holds;
        END IF;
    ELSIF me.role IS DISTINCT FROM 'admin' THEN
        RAISE EXCEPTION 'only admins may have the means of a model counted anew' USING ERRCODE = '42501';
    END IF;
    IF NOT coalesce(
        (SELECT count(*) BETWEEN 1 AND 100 AND bool_or(c.language = '') AND count(DISTINCT c.language) = count(*) AND bool_and(
                    c.pieces > 0 AND cardinality(c.mean) = model_dimension AND c.mean IS NOT NULL
                    AND (SELECT count(x) = model_dimension AND sum(x::float8 * x) <= 1.01 FROM unnest(c.mean) AS x))
         FROM jsonb_to_recordset(centres) AS c (language text, pieces integer, mean real[])), false) THEN
        RAISE EXCEPTION 'these are no means of vectors of length 1 with % components', model_dimension USING ERRCODE = '22023';
    END IF;
    holds := agentforge.ensure_embedding_model(
        model_name, weights || '-' || left(encode(sha256(convert_to(centres::text, 'UTF8')), 'hex'), 8), model_dimension, '{}');
    IF NOT EXISTS (SELECT FROM agentforge.embedding_centres AS c WHERE c.model_id = holds) THEN
        INSERT INTO agentforge.embedding_centres (model_id, language, pieces, mean)
        SELECT holds, c.language, c.pieces, c.mean
        FROM jsonb_to_recordset(centres) AS c (language text, pieces integer, mean real[]);
    END IF;
    RETURN holds;
END
$$;
GRANT EXECUTE ON FUNCTION agentforge.ensure_centred_model(text, text, integer, jsonb, boolean) TO agentforge_app;
