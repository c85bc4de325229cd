-- A search asks once who may read what, and looks up what a list names in one scan of an index; a row of audit about a statement is
-- written by statements that are planned once. docs/adr/0010-one-reader.md has the measurements.

-- search ---------------------------------------------------------------------------------------------------------------

DROP FUNCTION agentforge.nearest_functions(
    bigint, halfvec, integer, bigint, text, integer, integer, bigint[], text, integer, boolean);
DROP FUNCTION agentforge.known_neighbours(bigint, integer, bigint[], text, integer);
DROP FUNCTION agentforge.listed_neighbours(bigint, integer, bigint[], text, integer);
DROP FUNCTION agentforge.search_features(halfvec, integer, bigint[], text, integer, bigint[]);

-- The operators of vectors stand with their schema, as these functions work with their owner's rights: they return only what is
-- among the projects that the caller may read.
DO $$
DECLARE
    vectors text := (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'vector');
BEGIN
    EXECUTE replace($function$
-- The nearest functions to one in a project that is `readable`, where `everything` is or the project is in the array, among those
-- in the searched branches of some or (NULL) all of these projects: from its list, and from the functions that have changed since or
-- are younger than the lists. What lies in the function or around it is left out. NULL where there is no list, or where too many
-- have changed; not `complete` where the list names too few of the wanted: those that it names are the nearest, all the same. How
-- many these are tells how many of the others are nearer, so nobody calls it but nearest_functions(), which fills them up.
CREATE FUNCTION agentforge.listed_neighbours(
    subject bigint, model integer, wanted bigint[], language text, most integer, readable bigint[], everything boolean,
    OUT ids bigint[], OUT distances double precision[], OUT complete boolean
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    AS $body$
DECLARE
    own record;
    read integer;
    near_ids bigint[];
    near_distances double precision[];
BEGIN
    SELECT f.project_id, m.id AS model_id, m.listed_up_to, e.embedding, n.neighbours::bigint[] AS neighbours,
           ARRAY(SELECT g.id FROM agentforge.functions AS g
                 WHERE g.file_analysis_id = f.file_analysis_id AND g.start_line <= f.end_line AND f.start_line <= g.end_line
           ) AS excluded,
           ARRAY(SELECT c.function_id FROM agentforge.function_neighbours AS c
                 WHERE c.model_id = m.id AND (c.neighbours IS NULL OR c.neighbours = '{}') LIMIT 5001) AS changed
    INTO own
    FROM agentforge.functions AS f
    JOIN agentforge.function_embeddings AS e ON e.function_id = f.id AND e.project_id = f.project_id
    JOIN agentforge.embedding_models AS m ON m.id = e.model_id
    LEFT JOIN agentforge.function_neighbours AS n ON n.model_id = e.model_id AND n.function_id = f.id
    WHERE f.id = subject AND (model IS NULL OR e.model_id = model)
    ORDER BY e.model_id DESC LIMIT 1;
    IF (everything OR own.project_id = ANY (readable)) IS NOT TRUE OR coalesce(cardinality(own.neighbours), 0) = 0 OR
            pg_sequence_last_value('agentforge.functions_id_seq') - own.listed_up_to + cardinality(own.changed) > 5000 THEN
        RETURN;
    END IF;
    -- The first ones are mostly enough.
    FOREACH read IN ARRAY ARRAY[
        least(64, CASE WHEN everything AND wanted IS NULL AND language IS NULL THEN 8 ELSE 16 END * most / 5), 64
    ] LOOP
        SELECT coalesce(array_agg(n.id), '{}'), coalesce(array_agg(n.distance), '{}') INTO ids, distances
        FROM (
            SELECT e.function_id AS id, e.embedding OPERATOR({vectors}.<=>) own.embedding AS distance
            FROM agentforge.function_embeddings AS e
            JOIN agentforge.projects AS p ON p.id = e.project_id AND p.searched_branch = e.branch
            WHERE e.model_id = own.model_id AND e.function_id = ANY (own.neighbours[:read])
              AND (everything OR e.project_id = ANY (readable))
              AND (wanted IS NULL OR e.project_id = ANY (wanted)) AND (language IS NULL OR e.file_type = language)
              AND e.function_id <> ALL (own.excluded) AND e.function_id <> ALL (own.changed)
            ORDER BY distance, id LIMIT most
        ) AS n;
        complete := cardinality(ids) = most;
        EXIT WHEN complete OR read = 64;
    END LOOP;
    IF NOT complete OR
            pg_sequence_last_value('agentforge.functions_id_seq') = own.listed_up_to AND cardinality(own.changed) = 0 THEN
        RETURN;
    END IF;
    -- Of those that no list holds, of which there may be thousands, only what is near enough is looked at further: mostly none.
    SELECT array_agg(u.function_id), array_agg(u.embedding OPERATOR({vectors}.<=>) own.embedding)
    INTO near_ids, near_distances
    FROM agentforge.unlisted_vectors AS u
    WHERE u.model_id = own.model_id AND u.embedding OPERATOR({vectors}.<=>) own.embedding <= distances[most];
    IF near_ids IS NOT NULL THEN
        SELECT array_agg(n.id), array_agg(n.distance) INTO ids, distances
        FROM (
            SELECT k.id, k.distance FROM unnest(ids, distances) AS k (id, distance)
            UNION ALL
            SELECT e.function_id, u.distance
            FROM unnest(near_ids, near_distances) AS u (id, distance)
            JOIN agentforge.function_embeddings AS e ON e.function_id = u.id AND e.model_id = own.model_id
            JOIN agentforge.projects AS p ON p.id = e.project_id AND p.searched_branch = e.branch
            WHERE (everything OR e.project_id = ANY (readable)) AND (wanted IS NULL OR e.project_id = ANY (wanted))
              AND (language IS NULL OR e.file_type = language) AND u.id <> ALL (own.excluded)
              AND (u.id > own.listed_up_to OR u.id = ANY (own.changed))
            ORDER BY distance, id LIMIT most
        ) AS n;
    END IF;
END
$body$
    $function$, '{vectors}', vectors);
    EXECUTE replace($function$
-- The nearest functions by words and structure alone, whether or not a vector has meaning. A scan: no index holds these parts.
CREATE FUNCTION agentforge.search_features(
    query {vectors}.halfvec, model integer, wanted bigint[], language text, most integer, excluded bigint[],
    OUT ids bigint[], OUT distances double precision[]
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    scope record := agentforge.search_scope(wanted, language);
    first integer;
    width integer;
    part {vectors}.halfvec;
BEGIN
    SELECT coalesce(m.channels[1], 0) + 1, m.dimension - coalesce(m.channels[1], 0) INTO first, width
    FROM agentforge.embedding_models AS m WHERE m.id = model;
    part := {vectors}.subvector(query, first, width);
    SELECT array_agg(n.function_id), array_agg(n.distance) INTO ids, distances
    FROM (
        SELECT e.function_id,
               ({vectors}.subvector(e.embedding, first, width) OPERATOR({vectors}.<=>) part) + 0 AS distance
        FROM unnest(scope.projects, scope.branches) AS s (project_id, branch)
        JOIN agentforge.function_embeddings AS e ON e.project_id = s.project_id AND e.branch = s.branch
        WHERE e.model_id = model AND (language IS NULL OR e.file_type = language) AND e.function_id <> ALL (excluded)
        ORDER BY distance, e.function_id LIMIT most
    ) AS n;
END
$body$
    $function$, '{vectors}', vectors);
END
$$;

-- What is shown of the functions nearest to one, best first, of what the caller may read. The function is given by its id
-- (`subject`; by the last model where `model` is NULL), or by its vector and, where it is in a project, its place: what lies in
-- it or around it is no match. `features_only` compares words and structure, as must be done where without_meaning() finds any.
-- It works with its owner's rights, so that it asks once, and not each table by itself, what the caller may read.
CREATE FUNCTION agentforge.nearest_functions(
    subject bigint, query halfvec, model integer, here_project bigint, here_path text, here_start integer, here_end integer,
    wanted bigint[], language text, most integer, features_only boolean DEFAULT false
) RETURNS TABLE (
    id bigint, project_id bigint, code_hash text, file_path text, file_type text, qualified_name text,
    function_signature text, start_line integer, end_line integer, lines_of_code integer, cyclomatic integer,
    cognitive integer, code text, project text, distance double precision
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    readable bigint[] := agentforge.granted_to_read();
    everything boolean := readable = '{}' AND agentforge.reads_everything();
    near record;
    found_ids bigint[];
    found_distances double precision[];
    complete boolean;
    excluded bigint[];
BEGIN
    IF subject IS NOT NULL AND NOT features_only THEN
        near := agentforge.listed_neighbours(subject, model, wanted, language, most, readable, everything);
        found_ids := near.ids;
        found_distances := near.distances;
        complete := near.complete;
    END IF;
    IF complete IS NOT TRUE THEN
        IF subject IS NOT NULL THEN
            SELECT e.embedding, e.model_id, f.project_id, a.file_path, f.start_line, f.end_line
            INTO query, model, here_project, here_path, here_start, here_end
            FROM agentforge.function_embeddings AS e
            JOIN agentforge.functions AS f ON f.id = e.function_id
            JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
            WHERE e.function_id = subject AND (model IS NULL OR e.model_id = model)
              AND (everything OR f.project_id = ANY (readable))
            ORDER BY e.model_id DESC LIMIT 1;
        END IF;
        excluded := ARRAY(
            SELECT f.id FROM agentforge.file_analyses AS a JOIN agentforge.functions AS f ON f.file_analysis_id = a.id
            WHERE a.project_id = here_project AND a.file_path = here_path AND a.superseded_by IS NULL
              AND (everything OR a.project_id = ANY (readable))
              AND f.start_line <= here_end AND here_start <= f.end_line);
        near := CASE WHEN features_only
            THEN agentforge.search_features(query, model, wanted, language, most, excluded)
            ELSE agentforge.search_vectors(query, model, wanted, language, most, excluded, complete IS NOT NULL) END;
        SELECT array_agg(n.id), array_agg(n.distance) INTO found_ids, found_distances
        FROM (
            SELECT m.id, min(m.distance) AS distance
            FROM (
                SELECT k.id, k.distance FROM unnest(found_ids, found_distances) AS k (id, distance)
                UNION ALL
                SELECT v.id, v.distance FROM unnest(near.ids, near.distances) AS v (id, distance)
            ) AS m
            GROUP BY m.id ORDER BY distance, m.id LIMIT most
        ) AS n;
    END IF;
    RETURN QUERY
    SELECT f.id, f.project_id, encode(f.code_hash, 'hex'), a.file_path, a.file_type, f.qualified_name, f.function_signature,
           f.start_line, f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive, f.code, p.name,
           found_distances[array_position(found_ids, f.id)] AS distance
    FROM agentforge.functions AS f
    JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
    JOIN agentforge.projects AS p ON p.id = f.project_id
    WHERE f.id = ANY (found_ids) AND (everything OR f.project_id = ANY (readable))
    ORDER BY distance, f.id;
END
$$;

GRANT EXECUTE ON FUNCTION agentforge.search_features(halfvec, integer, bigint[], text, integer, bigint[]),
    agentforge.nearest_functions(
        bigint, halfvec, integer, bigint, text, integer, integer, bigint[], text, integer, boolean) TO agentforge_app;

-- audit ----------------------------------------------------------------------------------------------------------------

-- The trigger. Its arguments: `row` or `statement`, the columns that may be shown, those that name a row without an id, and
-- the column that holds the project. The rows of one UPDATE stand in both transition tables in the same order. How values
-- become text is fixed: a session that rounds floating-point numbers would hide what it changes.
CREATE OR REPLACE FUNCTION agentforge.write_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET extra_float_digits = 1 SET timezone = 'UTC' SET intervalstyle = 'postgres' SET bytea_output = 'hex' AS $$
DECLARE
    before jsonb[];
    after jsonb[];
    found_rows bigint;
    first_project bigint;
    last_project bigint;
    without_project bigint := 0;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        PERFORM agentforge.add_audit_entry(TG_OP, TG_TABLE_NAME);
        RETURN NULL;
    ELSIF TG_ARGV[0] = 'statement' THEN
        IF TG_ARGV[3] = 'project_id' AND TG_OP = 'DELETE' THEN
            SELECT count(*), min(o.project_id), max(o.project_id), count(*) - count(o.project_id)
            INTO found_rows, first_project, last_project, without_project FROM old_rows AS o;
        ELSIF TG_ARGV[3] = 'project_id' THEN
            SELECT count(*), min(n.project_id), max(n.project_id), count(*) - count(n.project_id)
            INTO found_rows, first_project, last_project, without_project FROM new_rows AS n;
        ELSIF TG_OP = 'DELETE' THEN
            SELECT count(*) INTO found_rows FROM old_rows;
        ELSE
            SELECT count(*) INTO found_rows FROM new_rows;
        END IF;
        IF found_rows > 0 THEN
            INSERT INTO agentforge.audit_logs
                (user_id, database_user, action, resource_type, row_count, project_id, request_id, ip_address, user_agent,
                 created_at)
            SELECT o.user_id, o.database_user, TG_OP, TG_TABLE_NAME, found_rows,
                   CASE WHEN first_project = last_project AND without_project = 0 THEN first_project END,
                   o.request_id, o.ip_address, o.user_agent, clock_timestamp()
            FROM agentforge.audit_origin() AS o;
        END IF;
        RETURN NULL;
    ELSIF TG_LEVEL = 'ROW' THEN
        before := CASE WHEN TG_OP <> 'INSERT' THEN ARRAY[to_jsonb(OLD)] END;
        after := CASE WHEN TG_OP <> 'DELETE' THEN ARRAY[to_jsonb(NEW)] END;
    ELSE
        IF TG_OP <> 'INSERT' THEN
            SELECT array_agg(to_jsonb(o)) INTO before FROM old_rows AS o;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            SELECT array_agg(to_jsonb(n)) INTO after FROM new_rows AS n;
        END IF;
    END IF;
    INSERT INTO agentforge.audit_logs
        (user_id, database_user, action, resource_type, resource_id, project_id, old_values, new_values, row_count,
         request_id, ip_address, user_agent, created_at)
    SELECT coalesce(o.user_id, agentforge.former_user(TG_TABLE_NAME, before)), o.database_user, TG_OP, TG_TABLE_NAME,
           CASE WHEN jsonb_typeof(r.image -> 'id') = 'number' THEN (r.image ->> 'id')::bigint END,
           (r.image ->> TG_ARGV[3])::bigint, v.old_values, v.new_values, 1, o.request_id, o.ip_address, o.user_agent,
           clock_timestamp()
    FROM agentforge.audit_origin() AS o
    CROSS JOIN (SELECT b, a, coalesce(a, b) AS image FROM unnest(before, after) AS both_images (b, a)) AS r
    CROSS JOIN LATERAL agentforge.audit_values(r.b, r.a, TG_ARGV[1]::text[], TG_ARGV[2]::text[]) AS v
    WHERE TG_OP <> 'UPDATE' OR v.new_values IS NOT NULL;
    RETURN NULL;
END
$$;
