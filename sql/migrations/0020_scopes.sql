-- What a user may do is looked up once for a table and found in one row; a search reads what it needs and no more; lists of
-- neighbours know which vectors have changed since. docs/adr/0006-fewer-lookups.md has the measurements.

-- scopes ---------------------------------------------------------------------------------------------------------------

-- The projects that each user was granted, by level: what stands in user_permissions, in the form in which a policy asks. The
-- trigger below keeps it, in the transaction that grants or revokes; nobody else writes it. His role is not in it.
CREATE TABLE agentforge.user_scopes (
    user_id bigint PRIMARY KEY REFERENCES agentforge.users ON DELETE CASCADE,
    readable bigint[] NOT NULL DEFAULT '{}',
    writable bigint[] NOT NULL DEFAULT '{}',
    administered bigint[] NOT NULL DEFAULT '{}'
);
ALTER TABLE agentforge.user_scopes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY user_scopes_owner ON agentforge.user_scopes TO agentforge_owner USING (true) WITH CHECK (true);
SELECT agentforge.audit_table('agentforge.user_scopes');

-- Write the scopes of some users anew. They are locked first, so that the permissions are read that another transaction is
-- just giving one of them.
CREATE FUNCTION agentforge.renew_scopes(users bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM agentforge.users AS u WHERE u.id = ANY (users) ORDER BY u.id FOR NO KEY UPDATE;
    INSERT INTO agentforge.user_scopes AS s (user_id, readable, writable, administered)
    SELECT u.id, coalesce(g.readable, '{}'), coalesce(g.writable, '{}'), coalesce(g.administered, '{}')
    FROM agentforge.users AS u
    LEFT JOIN (
        SELECT p.user_id,
               array_agg(p.project_id ORDER BY p.project_id)
                   FILTER (WHERE p.permission IN ('read', 'write', 'admin')) AS readable,
               array_agg(p.project_id ORDER BY p.project_id)
                   FILTER (WHERE p.permission IN ('write', 'admin')) AS writable,
               array_agg(p.project_id ORDER BY p.project_id) FILTER (WHERE p.permission = 'admin') AS administered
        FROM agentforge.user_permissions AS p WHERE p.user_id = ANY (users) GROUP BY p.user_id
    ) AS g ON g.user_id = u.id
    WHERE u.id = ANY (users)
    ON CONFLICT (user_id) DO UPDATE
    SET readable = EXCLUDED.readable, writable = EXCLUDED.writable, administered = EXCLUDED.administered
    WHERE (s.readable, s.writable, s.administered)
          IS DISTINCT FROM (EXCLUDED.readable, EXCLUDED.writable, EXCLUDED.administered);
END
$$;
SELECT agentforge.renew_scopes(ARRAY(SELECT id FROM agentforge.users));

CREATE FUNCTION agentforge.note_permissions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM agentforge.renew_scopes(ARRAY(SELECT DISTINCT n.user_id FROM new_rows AS n));
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM agentforge.renew_scopes(
            ARRAY(SELECT o.user_id FROM old_rows AS o UNION SELECT n.user_id FROM new_rows AS n));
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM agentforge.renew_scopes(ARRAY(SELECT DISTINCT o.user_id FROM old_rows AS o));
    ELSE
        PERFORM agentforge.renew_scopes(ARRAY(SELECT s.user_id FROM agentforge.user_scopes AS s));
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER user_permissions_scopes_insert AFTER INSERT ON agentforge.user_permissions
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION agentforge.note_permissions();
CREATE TRIGGER user_permissions_scopes_update AFTER UPDATE ON agentforge.user_permissions
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentforge.note_permissions();
CREATE TRIGGER user_permissions_scopes_delete AFTER DELETE ON agentforge.user_permissions
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION agentforge.note_permissions();
CREATE TRIGGER user_permissions_scopes_truncate AFTER TRUNCATE ON agentforge.user_permissions
    FOR EACH STATEMENT EXECUTE FUNCTION agentforge.note_permissions();

-- The projects that the caller was granted to read, write and administer; none for whom every project is, because of his role.
-- They find the caller as caller() does, which they do not call, because each table of a statement asks one of them.
DO $$
DECLARE
    kind record;
BEGIN
    FOR kind IN SELECT * FROM (VALUES
        ('granted_to_read', 'readable', '{developer,viewer}'),
        ('granted_to_write', 'writable', '{developer}'),
        ('granted_to_administer', 'administered', '{developer}')
    ) AS k (name, scope, roles) LOOP
        EXECUTE format($function$
CREATE FUNCTION agentforge.%1$I() RETURNS bigint[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    token text := current_setting('agentforge.session_token', true);
    granted bigint[];
BEGIN
    IF token <> '' THEN
        SELECT c.%2$I INTO granted
        FROM agentforge.user_sessions AS s
        JOIN agentforge.users AS u ON u.id = s.user_id
        JOIN agentforge.user_scopes AS c ON c.user_id = s.user_id
        WHERE s.token_digest = sha256(convert_to(token, 'UTF8')) AND s.expires_at > statement_timestamp()
          AND u.is_active AND u.role = ANY (%3$L);
    ELSIF agentforge.is_operator() THEN
        SELECT c.%2$I INTO granted
        FROM agentforge.users AS u JOIN agentforge.user_scopes AS c ON c.user_id = u.id
        WHERE u.username = 'local' AND u.role = ANY (%3$L);
    END IF;
    RETURN coalesce(granted, '{}');
END
$body$
        $function$, kind.name, kind.scope, kind.roles);
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION agentforge.granted_to_read(), agentforge.granted_to_write(), agentforge.granted_to_administer()
    TO agentforge_app;

-- Policies that asked two functions, of which one read a row for each project that the user may read, ask one of these first, and
-- the other only about a row that this one does not allow. Both are asked once a statement at most.
DO $$
DECLARE
    old record;
BEGIN
    FOR old IN
        SELECT p.tablename, p.policyname, f.part, m.parts[1] AS everything, m.parts[2] AS project,
               CASE m.parts[3] WHEN 'readable' THEN 'granted_to_read' WHEN 'writable' THEN 'granted_to_write'
                    ELSE 'granted_to_administer' END AS granted
        FROM pg_policies AS p
        CROSS JOIN LATERAL (VALUES ('USING', p.qual), ('WITH CHECK', p.with_check)) AS f (part, condition)
        CROSS JOIN LATERAL regexp_match(
            replace(f.condition, 'agentforge.', ''),
            '^\(\( SELECT (\w+_everything)\(\) AS \w+\) OR '
            '\((\w+) = ANY \(\( SELECT (readable|writable|administered)_projects\(\) AS \w+\)::bigint\[\]\)\)\)$'
        ) AS m (parts)
        WHERE p.schemaname = 'agentforge' AND m.parts IS NOT NULL
    LOOP
        EXECUTE format(
            'ALTER POLICY %I ON agentforge.%I %s '
            '(%I = ANY ((SELECT agentforge.%I())::bigint[]) OR (SELECT agentforge.%I()))',
            old.policyname, old.tablename, old.part, old.project, old.granted, old.everything);
    END LOOP;
END
$$;

-- neighbours -----------------------------------------------------------------------------------------------------------

-- A vector that is changed, or made later than those around it, is marked: NULL in place of its list. `db maintain` turns the
-- marks that it is about to deal with into empty lists, so that it can tell those that come meanwhile. A search takes neither
-- from other lists, and compares both, as it does the functions that are younger than the lists.
ALTER TABLE agentforge.function_neighbours
    ALTER COLUMN neighbours DROP NOT NULL,
    DROP CONSTRAINT function_neighbours_neighbours_check,
    ADD CONSTRAINT function_neighbours_neighbours_check CHECK (cardinality(neighbours) IN (0, 64));
CREATE INDEX function_neighbours_changed ON agentforge.function_neighbours (model_id, function_id)
    WHERE neighbours IS NULL OR neighbours = '{}';

DROP TRIGGER stale_lists_insert ON agentforge.function_embeddings;
DROP TRIGGER stale_lists_update ON agentforge.function_embeddings;
DROP FUNCTION agentforge.drop_stale_lists();
CREATE FUNCTION agentforge.note_vectors() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO agentforge.function_neighbours (model_id, function_id)
    SELECT n.model_id, n.function_id
    FROM new_rows AS n
    JOIN (
        SELECT m.id, greatest(m.listed_up_to, (
            SELECT max(l.function_id) FROM agentforge.function_neighbours AS l WHERE l.model_id = m.id)) AS up_to
        FROM agentforge.embedding_models AS m
    ) AS listed ON listed.id = n.model_id AND n.function_id <= listed.up_to
    ON CONFLICT (model_id, function_id) DO UPDATE SET neighbours = NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER function_embeddings_lists_insert AFTER INSERT ON agentforge.function_embeddings
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION agentforge.note_vectors();
CREATE TRIGGER function_embeddings_lists_update AFTER UPDATE ON agentforge.function_embeddings
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION agentforge.note_vectors();

-- search ---------------------------------------------------------------------------------------------------------------

-- How many of the nearest rows the index is asked for (hnsw.ef_search), so that enough of them are candidates. Fitted to a
-- recall of 0.97 with and without filters. Where the subject has a list (`listed`), the index is asked only about the few whose
-- list names too few of the wanted, and for what lies beyond it; the more of all rows are candidates, the fewer they are.
DROP FUNCTION agentforge.search_width(bigint, bigint);
CREATE FUNCTION agentforge.search_width(rows bigint, candidates bigint, listed boolean DEFAULT false) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT greatest(60, floor(
        least(1000, 0.0394 * rows ^ 0.65 * (rows / greatest(candidates, 1)::double precision) ^ 1.15)
        * CASE WHEN listed THEN least(1, 0.01 * (rows / greatest(candidates, 1)::double precision) ^ 2) ELSE 1 END))::integer
$$;

DROP FUNCTION agentforge.nearest_functions(
    bigint, halfvec, integer, bigint, text, integer, integer, bigint[], text, integer);
DROP FUNCTION agentforge.search_vectors(halfvec, integer, bigint[], text, integer, bigint[]);
DROP FUNCTION agentforge.known_neighbours(bigint, integer, bigint[], text, integer);

-- The operators of vectors stand with their schema, as these functions work with their owner's rights: they return only what
-- is among readable_projects() of the caller.
DO $$
DECLARE
    vectors text := (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'vector');
BEGIN
    EXECUTE replace($function$
-- The nearest functions to one of the caller's, among those in the searched branches of some or (NULL) all projects that he may
-- read: from its list, and from the functions that have changed since or are younger than the lists. What lies in the function
-- or around it is left out. NULL where there is no list, or where too many have changed; not `complete` where the list names
-- too few of the wanted: those that it names are the nearest, all the same. Plans are for any subject: a plan for the number of
-- younger functions that there is just now is cheaper in the planner's eyes, and takes longer to make than to run.
CREATE FUNCTION agentforge.known_neighbours(
    subject bigint, model integer, wanted bigint[], language text, most integer,
    OUT ids bigint[], OUT distances double precision[], OUT complete boolean
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    AS $body$
DECLARE
    readable bigint[] := agentforge.granted_to_read();
    everything boolean := readable = '{}' AND agentforge.reads_everything();
    own record;
    read integer;
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
    IF complete AND (
            pg_sequence_last_value('agentforge.functions_id_seq') > own.listed_up_to OR cardinality(own.changed) > 0) THEN
        SELECT array_agg(n.id), array_agg(n.distance) INTO ids, distances
        FROM (
            SELECT k.id, k.distance FROM unnest(ids, distances) AS k (id, distance)
            UNION ALL
            SELECT e.function_id, e.embedding OPERATOR({vectors}.<=>) own.embedding
            FROM (
                SELECT y.function_id, y.project_id, y.branch, y.embedding FROM agentforge.function_embeddings AS y
                WHERE y.model_id = own.model_id AND y.function_id > own.listed_up_to AND y.function_id <= own.listed_up_to + 5000
                  AND (language IS NULL OR y.file_type = language)
                UNION ALL
                SELECT y.function_id, y.project_id, y.branch, y.embedding FROM agentforge.function_embeddings AS y
                WHERE y.model_id = own.model_id AND y.function_id = ANY (own.changed) AND y.function_id <= own.listed_up_to
                  AND (language IS NULL OR y.file_type = language)
            ) AS e
            JOIN agentforge.projects AS p ON p.id = e.project_id AND p.searched_branch = e.branch
            WHERE (everything OR e.project_id = ANY (readable)) AND (wanted IS NULL OR e.project_id = ANY (wanted))
              AND e.function_id <> ALL (own.excluded)
            ORDER BY distance, id LIMIT most
        ) AS n;
    END IF;
END
$body$
    $function$, '{vectors}', vectors);
    EXECUTE replace($function$
-- The nearest functions among all candidates, where few are left after the filters, else nearly all of them by the index;
-- by a narrower search where a list gave what it has (`listed`).
CREATE FUNCTION agentforge.search_vectors(
    query {vectors}.halfvec, model integer, wanted bigint[], language text, most integer, excluded bigint[],
    listed boolean DEFAULT false, OUT ids bigint[], OUT distances double precision[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    scope record := agentforge.search_scope(wanted, language);
    enough integer := most + coalesce(cardinality(excluded), 0);
    dimension integer;
    rows bigint := 0;
    youngest bigint;
    found bigint;
BEGIN
    IF scope.candidates > agentforge.scan_limit(0) THEN
        SELECT m.dimension, greatest(c.reltuples, 0), coalesce(i.up_to, 9223372036854775807) INTO dimension, rows, youngest
        FROM agentforge.embedding_models AS m
        JOIN pg_class AS c ON c.oid = to_regclass('agentforge.function_embeddings_' || m.id)
        CROSS JOIN agentforge.vector_indexes(model) AS i
        JOIN pg_extension AS e ON e.extname = 'vector' AND e.extversion !~ '^0\.[0-7](\.|$)'  -- cannot go on until enough pass
        WHERE m.id = model ORDER BY i.up_to DESC NULLS FIRST LIMIT 1;
    END IF;
    IF dimension IS NOT NULL AND scope.candidates > agentforge.scan_limit(rows) THEN
        -- Relaxed: what the index finds comes nearly in order, and is put in order below.
        PERFORM set_config('hnsw.ef_search', agentforge.search_width(rows, scope.candidates, listed)::text, true),
                set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.max_scan_tuples', '40000', true);
        -- The expression, its type and the condition must be those of the index. IS TRUE makes a hash table of the branches,
        -- not a join.
        EXECUTE format(
            'WITH old AS MATERIALIZED ('
            'SELECT e.function_id, e.embedding::{vectors}.halfvec(%1$s) OPERATOR({vectors}.<=>) $1::{vectors}.halfvec(%1$s) AS distance '
            'FROM agentforge.function_embeddings AS e '
            'WHERE e.model_id = %2$s AND e.function_id <= %3$s AND ($2 IS NULL OR e.file_type = $2) '
            'AND e.function_id <> ALL ($3) AND ((e.project_id, e.branch) IN ('
            'SELECT s.project_id, s.branch FROM unnest($4, $5) AS s (project_id, branch))) IS TRUE '
            'ORDER BY distance LIMIT $6), '
            'young AS (SELECT e.function_id, e.embedding OPERATOR({vectors}.<=>) $1 AS distance '
            'FROM agentforge.function_embeddings AS e '
            'WHERE e.model_id = %2$s AND e.function_id > %3$s AND ($2 IS NULL OR e.file_type = $2) '
            'AND e.function_id <> ALL ($3) AND ((e.project_id, e.branch) IN ('
            'SELECT s.project_id, s.branch FROM unnest($4, $5) AS s (project_id, branch))) IS TRUE), '
            'best AS (SELECT * FROM (TABLE old UNION ALL TABLE young) AS n ORDER BY distance, function_id LIMIT $6) '
            'SELECT array_agg(function_id ORDER BY distance, function_id), '
            'array_agg(distance ORDER BY distance, function_id), (SELECT count(*) FROM old) FROM best',
            dimension, model, youngest
        ) INTO ids, distances, found USING query, language, excluded, scope.projects, scope.branches, most;
        IF found = most THEN
            RETURN;
        END IF;
    END IF;
    -- The plain column keeps the planner from an approximate index, which is over an expression. What is excluded is dropped
    -- last, so that it costs nothing a row. Two statements, so that one plan is right for each.
    IF language IS NULL THEN
        SELECT array_agg(n.function_id), array_agg(n.distance) INTO ids, distances
        FROM (
            SELECT f.function_id, f.distance
            FROM (
                SELECT e.function_id, e.embedding OPERATOR({vectors}.<=>) query AS distance
                FROM unnest(scope.projects, scope.branches) AS s (project_id, branch)
                JOIN agentforge.function_embeddings AS e ON e.project_id = s.project_id AND e.branch = s.branch
                WHERE e.model_id = model
                ORDER BY distance, e.function_id LIMIT enough
            ) AS f
            WHERE f.function_id <> ALL (excluded)
            ORDER BY f.distance, f.function_id LIMIT most
        ) AS n;
    ELSE
        SELECT array_agg(n.function_id), array_agg(n.distance) INTO ids, distances
        FROM (
            SELECT f.function_id, f.distance
            FROM (
                SELECT e.function_id, e.embedding OPERATOR({vectors}.<=>) query AS distance
                FROM unnest(scope.projects, scope.branches) AS s (project_id, branch)
                JOIN agentforge.function_embeddings AS e ON e.project_id = s.project_id AND e.branch = s.branch
                WHERE e.model_id = model AND e.file_type = language
                ORDER BY distance, e.function_id LIMIT enough
            ) AS f
            WHERE f.function_id <> ALL (excluded)
            ORDER BY f.distance, f.function_id LIMIT most
        ) AS n;
    END IF;
END
$body$
    $function$, '{vectors}', vectors);
END
$$;

-- What is shown of the functions nearest to one, best first, read under row-level security. The function is given by its id
-- (`subject`; by the last model where `model` is NULL), or by its vector and, where it is in a project, its place: what lies in
-- it or around it is no match.
CREATE FUNCTION agentforge.nearest_functions(
    subject bigint, query halfvec, model integer, here_project bigint, here_path text, here_start integer, here_end integer,
    wanted bigint[], language text, most integer
) RETURNS TABLE (
    id bigint, project_id bigint, code_hash text, file_path text, file_type text, qualified_name text,
    function_signature text, start_line integer, end_line integer, lines_of_code integer, cyclomatic integer,
    cognitive integer, code text, project text, distance double precision
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    found_ids bigint[];
    found_distances double precision[];
    complete boolean;
    excluded bigint[];
BEGIN
    IF subject IS NOT NULL THEN
        SELECT k.ids, k.distances, k.complete INTO found_ids, found_distances, complete
        FROM agentforge.known_neighbours(subject, model, wanted, language, most) AS k;
    END IF;
    IF complete IS NOT TRUE THEN
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
        SELECT array_agg(n.id), array_agg(n.distance) INTO found_ids, found_distances
        FROM (
            SELECT m.id, min(m.distance) AS distance
            FROM (
                SELECT k.id, k.distance FROM unnest(found_ids, found_distances) AS k (id, distance)
                UNION ALL
                SELECT v.id, v.distance
                FROM agentforge.search_vectors(query, model, wanted, language, most, excluded, complete IS NOT NULL) AS s,
                     unnest(s.ids, s.distances) AS v (id, distance)
            ) AS m
            GROUP BY m.id ORDER BY distance, m.id LIMIT most
        ) AS n;
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

GRANT EXECUTE ON FUNCTION agentforge.search_width(bigint, bigint, boolean),
    agentforge.known_neighbours(bigint, integer, bigint[], text, integer),
    agentforge.search_vectors(halfvec, integer, bigint[], text, integer, bigint[], boolean),
    agentforge.nearest_functions(
        bigint, halfvec, integer, bigint, text, integer, integer, bigint[], text, integer) TO agentforge_app;
