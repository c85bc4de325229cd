-- One function finds what is nearest and shows it, whichever parts of the vectors are compared, from one state of the database: a
-- function that goes, or comes, between finding it and reading what is shown of it would leave the answer one short. All that a
-- stable function asks sees what the statement sees that called it.
ALTER FUNCTION agentforge.known_neighbours(bigint, integer, bigint[], text, integer) STABLE;
ALTER FUNCTION agentforge.search_vectors(halfvec, integer, bigint[], text, integer, bigint[], boolean) STABLE;
DROP FUNCTION agentforge.nearest_by_features(
    bigint, halfvec, integer, bigint, text, integer, integer, bigint[], text, integer);
DROP FUNCTION agentforge.nearest_functions(
    bigint, halfvec, integer, bigint, text, integer, integer, bigint[], text, integer);

-- The nearest functions by words and structure alone, whether or not a vector has meaning. A scan: no index holds these parts.
CREATE FUNCTION agentforge.search_features(
    query halfvec, model integer, wanted bigint[], language text, most integer, excluded bigint[],
    OUT ids bigint[], OUT distances double precision[]
) LANGUAGE plpgsql STABLE AS $$
DECLARE
    scope record := agentforge.search_scope(wanted, language);
    first integer;
    width integer;
    part halfvec;
BEGIN
    SELECT coalesce(m.channels[1], 0) + 1, m.dimension - coalesce(m.channels[1], 0) INTO first, width
    FROM agentforge.embedding_models AS m WHERE m.id = model;
    part := subvector(query, first, width);
    SELECT array_agg(n.function_id), array_agg(n.distance) INTO ids, distances
    FROM (
        SELECT e.function_id, (subvector(e.embedding, first, width) <=> part) + 0 AS distance
        FROM unnest(scope.projects, scope.branches) AS s (project_id, branch)
        JOIN agentforge.function_embeddings AS e ON e.project_id = s.project_id AND e.branch = s.branch
        WHERE e.model_id = model AND (language IS NULL OR e.file_type = language) AND e.function_id <> ALL (excluded)
        ORDER BY distance, e.function_id LIMIT most
    ) AS n;
END
$$;

-- What is shown of the functions nearest to one, best first, read under row-level security. The function is given by its id
-- (`subject`; by the last model where `model` is NULL), or by its vector and, where it is in a project, its place: what lies in
-- it or around it is no match. `features_only` compares words and structure, as must be done where without_meaning() finds any.
CREATE FUNCTION agentforge.nearest_functions(
    subject bigint, query halfvec, model integer, here_project bigint, here_path text, here_start integer, here_end integer,
    wanted bigint[], language text, most integer, features_only boolean DEFAULT false
) RETURNS TABLE (
    id bigint, project_id bigint, code_hash text, file_path text, file_type text, qualified_name text,
    function_signature text, start_line integer, end_line integer, lines_of_code integer, cyclomatic integer,
    cognitive integer, code text, project text, distance double precision
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    found_ids bigint[];
    found_distances double precision[];
    listed boolean;
    excluded bigint[];
BEGIN
    IF subject IS NOT NULL AND NOT features_only THEN
        SELECT k.ids, k.distances, k.complete INTO found_ids, found_distances, listed
        FROM agentforge.known_neighbours(subject, model, wanted, language, most) AS k;
    END IF;
    IF listed IS NOT TRUE THEN
        IF subject IS NOT NULL THEN
            SELECT e.embedding, e.model_id, f.project_id, a.file_path, f.start_line, f.end_line
            INTO query, model, here_project, here_path, here_start, here_end
            FROM agentforge.function_embeddings AS e
            JOIN agentforge.functions AS f ON f.id = e.function_id
            JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
            WHERE e.function_id = subject AND (model IS NULL OR e.model_id = model) ORDER BY e.model_id DESC LIMIT 1;
        END IF;
        excluded := ARRAY(
            SELECT f.id FROM agentforge.file_analyses AS a JOIN agentforge.functions AS f ON f.file_analysis_id = a.id
            WHERE a.project_id = here_project AND a.file_path = here_path AND a.superseded_by IS NULL
              AND f.start_line <= here_end AND here_start <= f.end_line);
        IF features_only THEN
            SELECT s.ids, s.distances INTO found_ids, found_distances
            FROM agentforge.search_features(query, model, wanted, language, most, excluded) AS s;
        ELSE
            SELECT s.ids, s.distances INTO found_ids, found_distances
            FROM agentforge.search_vectors(query, model, wanted, language, most, excluded) AS s;
        END IF;
    END IF;
    RETURN QUERY
    SELECT f.id, f.project_id, encode(f.code_hash, 'hex'), a.file_path, a.file_type, f.qualified_name, f.function_signature,
           f.start_line, f.end_line, f.lines_of_code, f.cyclomatic, f.cognitive, f.code, p.name, n.distance
    FROM unnest(found_ids, found_distances) AS n (id, distance)
    JOIN agentforge.functions AS f ON f.id = n.id
    JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
    JOIN agentforge.projects AS p ON p.id = f.project_id
    ORDER BY n.distance, f.id;
END
$$;

GRANT EXECUTE ON FUNCTION agentforge.search_features(halfvec, integer, bigint[], text, integer, bigint[]),
    agentforge.nearest_functions(
        bigint, halfvec, integer, bigint, text, integer, integer, bigint[], text, integer, boolean) TO agentforge_app;
