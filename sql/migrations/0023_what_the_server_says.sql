-- What somebody with a psql prompt could choose to the harm of others, and may not any more: ids and times that the server gives,
-- what maintenance says of itself, counts that the searches of others add up, the shape of a model that others use.

-- An id that a client chooses is one that the sequence comes to later, and then the row of somebody else is refused; a time of the
-- client's choice asks for a partition. So the application inserts into all columns but these, and whoever adds a column that it
-- writes has to grant that. What is signed is signed by whoever asks.
ALTER TABLE agentforge.compliance_reports ALTER COLUMN generated_by SET DEFAULT agentforge.current_user_id();
REVOKE UPDATE ON agentforge.compliance_reports FROM agentforge_app;
GRANT UPDATE (report_type, report_period_start, report_period_end, overall_score, detailed_results)
    ON agentforge.compliance_reports TO agentforge_app;
DO $$
DECLARE
    target record;
BEGIN
    FOR target IN
        SELECT c.oid::regclass AS name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND EXISTS (
              SELECT FROM aclexplode(c.relacl) AS g
              WHERE g.grantee = 'agentforge_app'::regrole AND g.privilege_type = 'INSERT')
          AND a.attidentity = '' AND a.attgenerated = ''
          AND (c.relname, a.attname) NOT IN (
              ('performance_metrics', 'recorded_at'),
              ('api_requests', 'created_at'), ('api_requests', 'user_id'), ('api_requests', 'ip_address'),
              ('error_logs', 'created_at'), ('error_logs', 'user_id'),
              ('compliance_reports', 'generated_at'), ('compliance_reports', 'generated_by'))
        GROUP BY c.oid
    LOOP
        EXECUTE format('REVOKE INSERT ON %s FROM agentforge_app', target.name);
        EXECUTE format('GRANT INSERT (%s) ON %s TO agentforge_app', target.columns, target.name);
    END LOOP;
END
$$;

-- What may stand in the trail is a closed set; what stood there before stays as it is, whatever it is.
DO $$
BEGIN
    ALTER TABLE agentforge.audit_logs VALIDATE CONSTRAINT audit_logs_action_check;
EXCEPTION WHEN check_violation THEN
    NULL;
END
$$;

-- `db doctor` and the rollover believe what stands under these names.
CREATE POLICY performance_metrics_maintenance ON agentforge.performance_metrics AS RESTRICTIVE FOR INSERT TO agentforge_app
    WITH CHECK (metric_name NOT LIKE 'maintenance.%');

-- An analysis says how many functions it left. Only what can be such a number counts: a search adds up those of all projects that
-- its caller may read, and anybody may let him read one.
CREATE OR REPLACE FUNCTION agentforge.note_searched_branch() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed bigint := coalesce(NEW.project_id, OLD.project_id);
    last_branch text;
    said jsonb;
    counts jsonb;
BEGIN
    SELECT a.branch, a.results -> 'functions' INTO last_branch, said FROM agentforge.project_analyses AS a
    WHERE a.project_id = changed AND a.status = 'completed' ORDER BY a.id DESC LIMIT 1;
    SELECT coalesce(jsonb_object_agg(s.key, s.value), '{}') INTO counts
    FROM jsonb_each(CASE jsonb_typeof(said) WHEN 'object' THEN said ELSE '{}' END) AS s
    WHERE s.value::text ~ '^[0-9]{1,9}$';
    UPDATE agentforge.projects AS p
    SET searched_branch = last_branch, function_counts = counts,
        function_count = (SELECT coalesce(sum(c.value::bigint), 0) FROM jsonb_each_text(counts) AS c)
    WHERE p.id = changed AND (p.searched_branch, p.function_counts) IS DISTINCT FROM (last_branch, counts);
    RETURN NULL;
END
$$;
UPDATE agentforge.project_analyses AS a SET status = a.status
FROM agentforge.projects AS p
WHERE a.project_id = p.id AND p.function_count NOT BETWEEN 0 AND 999999999 AND a.id = (
    SELECT max(b.id) FROM agentforge.project_analyses AS b WHERE b.project_id = p.id AND b.status = 'completed');

-- Whoever comes first says what a model is, and the vectors of others must be of that shape, so a wrong one is named at once. Each
-- model is three tables, which statements on the vectors of all models look at.
CREATE OR REPLACE FUNCTION agentforge.ensure_embedding_model(
    model_name text, model_version text, model_dimension integer, model_channels integer[] DEFAULT '{}'
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me record := agentforge.caller();
    found agentforge.embedding_models;
BEGIN
    SELECT * INTO found FROM agentforge.embedding_models AS m WHERE m.name = model_name AND m.version = model_version;
    IF found.id IS NULL THEN
        IF coalesce(me.role NOT IN ('admin', 'developer'), true) THEN
            RAISE EXCEPTION 'only developers and admins may use a new embedding model' USING ERRCODE = '42501';
        ELSIF me.role <> 'admin' AND (SELECT count(*) FROM agentforge.embedding_models) >= 100 THEN
            RAISE EXCEPTION 'there are 100 embedding models, and only an admin may add another' USING ERRCODE = '42501';
        END IF;
        INSERT INTO agentforge.embedding_models (name, version, dimension, channels)
        VALUES (model_name, model_version, model_dimension, model_channels)
        ON CONFLICT DO NOTHING
        RETURNING * INTO found;
        IF found.id IS NOT NULL THEN
            PERFORM agentforge.make_model_partitions(found.id, model_dimension);
            RETURN found.id;
        END IF;
        SELECT * INTO STRICT found FROM agentforge.embedding_models AS m
        WHERE m.name = model_name AND m.version = model_version;
    END IF;
    IF found.dimension <> model_dimension OR found.channels NOT IN ('{}', model_channels) THEN
        RAISE EXCEPTION 'the embedding model % % is stored with % components (channels %), and these vectors have % (%)',
            model_name, model_version, found.dimension, found.channels, model_dimension, model_channels
            USING ERRCODE = '22023';
    END IF;
    RETURN found.id;
END
$$;

-- A list names functions of all projects, so how many of it are the caller's tells how many of the others are nearer. He gets what
-- he asked for instead: where the list has too few that he may read, the rest is searched for in here.
ALTER FUNCTION agentforge.known_neighbours(bigint, integer, bigint[], text, integer) RENAME TO listed_neighbours;
REVOKE EXECUTE ON FUNCTION agentforge.listed_neighbours(bigint, integer, bigint[], text, integer) FROM agentforge_app;
CREATE FUNCTION agentforge.known_neighbours(
    subject bigint, model integer, wanted bigint[], language text, most integer,
    OUT ids bigint[], OUT distances double precision[], OUT complete boolean
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own record;
BEGIN
    SELECT l.ids, l.distances, l.complete INTO ids, distances, complete
    FROM agentforge.listed_neighbours(subject, model, wanted, language, most) AS l;
    IF complete IS NOT FALSE THEN
        RETURN;
    END IF;
    SELECT e.embedding, e.model_id,
           ARRAY(SELECT g.id FROM agentforge.functions AS g
                 WHERE g.file_analysis_id = f.file_analysis_id AND g.start_line <= f.end_line AND f.start_line <= g.end_line
           ) AS excluded
    INTO own
    FROM agentforge.functions AS f
    JOIN agentforge.function_embeddings AS e ON e.function_id = f.id AND e.project_id = f.project_id
    WHERE f.id = subject AND (model IS NULL OR e.model_id = model)
    ORDER BY e.model_id DESC LIMIT 1;
    SELECT array_agg(n.id), array_agg(n.distance) INTO ids, distances
    FROM (
        SELECT m.id, min(m.distance) AS distance
        FROM (
            SELECT k.id, k.distance FROM unnest(ids, distances) AS k (id, distance)
            UNION ALL
            SELECT v.id, v.distance
            FROM agentforge.search_vectors(own.embedding, own.model_id, wanted, language, most, own.excluded, true) AS s,
                 unnest(s.ids, s.distances) AS v (id, distance)
        ) AS m
        GROUP BY m.id ORDER BY distance, m.id LIMIT most
    ) AS n;
    complete := true;
END
$$;
GRANT EXECUTE ON FUNCTION agentforge.known_neighbours(bigint, integer, bigint[], text, integer) TO agentforge_app;
