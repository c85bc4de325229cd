-- A function that is younger than the lists of neighbours costs a search little. docs/adr/0007-younger-functions.md has the
-- measurements.

-- The operator of vectors stands with its schema, as the function works with its owner's rights: it returns only what is among
-- readable_projects() of the caller.
DO $$
BEGIN
    EXECUTE replace($function$
-- The nearest functions to one of the caller's, among those in the searched branches of some or (NULL) all projects that he may
-- read: from its list, and from the functions that have changed since or are younger than the lists. What lies in the function
-- or around it is left out. NULL where there is no list, or where too many have changed; not `complete` where the list names
-- too few of the wanted: those that it names are the nearest, all the same. Plans are for any subject: a plan for the number of
-- younger functions that there is just now is cheaper in the planner's eyes, and takes longer to make than to run.
CREATE OR REPLACE FUNCTION agentforge.known_neighbours(
    subject bigint, model integer, wanted bigint[], language text, most integer,
    OUT ids bigint[], OUT distances double precision[], OUT complete boolean
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    AS $body$
DECLARE
    readable bigint[] := agentforge.granted_to_read();
    everything boolean := readable = '{}' AND agentforge.reads_everything();
    own record;
    read integer;
    farthest double precision;
BEGIN
    SELECT f.project_id, m.id AS model_id, m.listed_up_to, e.embedding, n.neighbours,
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
        CASE WHEN everything AND wanted IS NULL AND language IS NULL THEN 16 ELSE 32 END, 64
    ] LOOP
        SELECT coalesce(array_agg(n.id), '{}'), coalesce(array_agg(n.distance), '{}') INTO ids, distances
        FROM (
            SELECT e.function_id AS id, e.embedding OPERATOR({vectors}.<=>) own.embedding AS distance
            FROM unnest(own.neighbours[:read]) AS l (id)
            JOIN agentforge.function_embeddings AS e ON e.function_id = l.id
            JOIN agentforge.projects AS p ON p.id = e.project_id AND p.searched_branch = e.branch
            WHERE e.model_id = own.model_id AND (everything OR e.project_id = ANY (readable))
              AND (wanted IS NULL OR e.project_id = ANY (wanted)) AND (language IS NULL OR e.file_type = language)
              AND l.id <> ALL (own.excluded) AND l.id <> ALL (own.changed)
            ORDER BY distance, id LIMIT most
        ) AS n;
        complete := cardinality(ids) = most;
        EXIT WHEN complete;
    END LOOP;
    -- Of the younger functions, of which there may be thousands, only those that are near enough are looked at further.
    IF complete AND (
            pg_sequence_last_value('agentforge.functions_id_seq') > own.listed_up_to OR cardinality(own.changed) > 0) THEN
        farthest := distances[most];
        SELECT array_agg(n.id), array_agg(n.distance) INTO ids, distances
        FROM (
            SELECT k.id, k.distance FROM unnest(ids, distances) AS k (id, distance)
            UNION ALL
            SELECT e.function_id, e.distance
            FROM (
                SELECT y.function_id, y.project_id, y.branch, y.embedding OPERATOR({vectors}.<=>) own.embedding AS distance
                FROM agentforge.function_embeddings AS y
                WHERE y.model_id = own.model_id AND y.function_id > own.listed_up_to AND y.function_id <= own.listed_up_to + 5000
                  AND (language IS NULL OR y.file_type = language)
                  AND y.embedding OPERATOR({vectors}.<=>) own.embedding <= farthest
                UNION ALL
                SELECT y.function_id, y.project_id, y.branch, y.embedding OPERATOR({vectors}.<=>) own.embedding
                FROM agentforge.function_embeddings AS y
                WHERE y.model_id = own.model_id AND y.function_id = ANY (own.changed) AND y.function_id <= own.listed_up_to
                  AND (language IS NULL OR y.file_type = language)
                  AND y.embedding OPERATOR({vectors}.<=>) own.embedding <= farthest
                OFFSET 0
            ) AS e
            JOIN agentforge.projects AS p ON p.id = e.project_id AND p.searched_branch = e.branch
            WHERE (everything OR e.project_id = ANY (readable)) AND (wanted IS NULL OR e.project_id = ANY (wanted))
              AND e.function_id <> ALL (own.excluded)
            ORDER BY distance, id LIMIT most
        ) AS n;
    END IF;
END
$body$
    $function$, '{vectors}', (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'vector'));
END
$$;
