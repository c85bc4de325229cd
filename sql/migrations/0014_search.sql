-- A search is one statement of the client, planned once a connection, and costs what it must. docs/adr/0004-known-neighbours.md
-- has the measurements.

-- policies -------------------------------------------------------------------------------------------------------------

-- Every policy asks these once for each table of a statement. They look the session up once, all in the same place, and PL/pgSQL
-- keeps their plans.

-- The user whose token the session presents, while that session has not expired and the user is active, and his role; the local
-- user for an operator who presents none; NULL for everybody else. It works with the rights and names of the functions below.
CREATE FUNCTION agentforge.caller(OUT id bigint, OUT role text) LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    token text := current_setting('agentforge.session_token', true);
BEGIN
    IF token <> '' THEN
        SELECT u.id, u.role INTO id, role
        FROM agentforge.user_sessions AS s JOIN agentforge.users AS u ON u.id = s.user_id
        WHERE s.token_digest = sha256(convert_to(token, 'UTF8')) AND s.expires_at > statement_timestamp() AND u.is_active;
    ELSIF agentforge.is_operator() THEN
        SELECT u.id, u.role INTO id, role FROM agentforge.users AS u WHERE u.username = 'local';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION agentforge.current_user_id() RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me record := agentforge.caller();
BEGIN
    RETURN me.id;
END
$$;

CREATE OR REPLACE FUNCTION agentforge.current_user_role() RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me record := agentforge.caller();
BEGIN
    RETURN me.role;
END
$$;

CREATE OR REPLACE FUNCTION agentforge.reads_everything() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me record := agentforge.caller();
BEGIN
    RETURN coalesce(me.role IN ('admin', 'auditor'), false);
END
$$;

CREATE OR REPLACE FUNCTION agentforge.writes_everything() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me record := agentforge.caller();
BEGIN
    RETURN coalesce(me.role = 'admin', false);
END
$$;

CREATE OR REPLACE FUNCTION agentforge.permitted_projects(levels text[], roles text[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me record := agentforge.caller();
BEGIN
    IF me.role = ANY (roles) THEN
        RETURN ARRAY(
            SELECT p.project_id FROM agentforge.user_permissions AS p
            WHERE p.user_id = me.id AND p.permission = ANY (levels) ORDER BY p.project_id);
    END IF;
    RETURN '{}';
END
$$;

CREATE OR REPLACE FUNCTION agentforge.readable_projects() RETURNS bigint[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me record := agentforge.caller();
BEGIN
    IF me.role IN ('admin', 'auditor') THEN
        RETURN ARRAY(SELECT p.id FROM agentforge.projects AS p ORDER BY p.id);
    ELSIF me.role IN ('developer', 'viewer') THEN
        RETURN ARRAY(
            SELECT p.project_id FROM agentforge.user_permissions AS p
            WHERE p.user_id = me.id AND p.permission IN ('read', 'write', 'admin') ORDER BY p.project_id);
    END IF;
    RETURN '{}';
END
$$;

CREATE OR REPLACE FUNCTION agentforge.writable_projects() RETURNS bigint[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF agentforge.writes_everything() THEN
        RETURN ARRAY(SELECT p.id FROM agentforge.projects AS p ORDER BY p.id);
    END IF;
    RETURN agentforge.permitted_projects('{write,admin}', '{developer}');
END
$$;

CREATE OR REPLACE FUNCTION agentforge.administered_projects() RETURNS bigint[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF agentforge.writes_everything() THEN
        RETURN ARRAY(SELECT p.id FROM agentforge.projects AS p ORDER BY p.id);
    END IF;
    RETURN agentforge.permitted_projects('{admin}', '{developer}');
END
$$;

-- One read of this index finds all that a user may do.
ALTER TABLE agentforge.user_permissions DROP CONSTRAINT user_permissions_user_id_project_id_key;
CREATE UNIQUE INDEX user_permissions_key ON agentforge.user_permissions (user_id, project_id) INCLUDE (permission);

-- what is searched -----------------------------------------------------------------------------------------------------

-- A file is looked up by the end of its path: its name finds it.
ALTER TABLE agentforge.file_analyses
    ADD COLUMN file_name text NOT NULL GENERATED ALWAYS AS (substring(file_path FROM '[^/]*$')) STORED;
CREATE INDEX file_analyses_name ON agentforge.file_analyses (file_name) WHERE superseded_by IS NULL;

-- The branch of a project that was analysed last, the one that is searched, and how many functions it has: in all, and by
-- language. A search reads them for every project that it looks into.
ALTER TABLE agentforge.projects
    ADD COLUMN searched_branch text,
    ADD COLUMN function_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN function_counts jsonb NOT NULL DEFAULT '{}';
SELECT agentforge.audit_table(
    'agentforge.projects', 'row',
    '{key,name,description,local_path,status,created_by,created_at,last_analyzed_at,default_branch,searched_branch,
      function_count}');

-- It follows the last completed analysis, whoever writes that.
CREATE FUNCTION agentforge.note_searched_branch() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed bigint := coalesce(NEW.project_id, OLD.project_id);
    last_branch text;
    counts jsonb;
BEGIN
    SELECT a.branch, a.results -> 'functions' INTO last_branch, counts FROM agentforge.project_analyses AS a
    WHERE a.project_id = changed AND a.status = 'completed' ORDER BY a.id DESC LIMIT 1;
    IF jsonb_typeof(counts) IS DISTINCT FROM 'object' THEN
        counts := '{}';
    END IF;
    UPDATE agentforge.projects AS p
    SET searched_branch = last_branch, function_counts = counts,
        function_count = (SELECT coalesce(sum(c.value::bigint), 0) FROM jsonb_each_text(counts) AS c)
    WHERE p.id = changed AND (p.searched_branch, p.function_counts) IS DISTINCT FROM (last_branch, counts);
    RETURN NULL;
END
$$;
CREATE TRIGGER project_analyses_searched_branch AFTER INSERT OR UPDATE OF status, branch, results OR DELETE
    ON agentforge.project_analyses FOR EACH ROW EXECUTE FUNCTION agentforge.note_searched_branch();
UPDATE agentforge.project_analyses AS a SET status = a.status
WHERE a.id = (
    SELECT max(b.id) FROM agentforge.project_analyses AS b WHERE b.project_id = a.project_id AND b.status = 'completed'
);

-- The searched branches of some projects, or of those among them that are `wanted`, and how many functions of a language or
-- (NULL) of all they hold.
CREATE FUNCTION agentforge.scope_of(
    readable bigint[], wanted bigint[], language text, OUT projects bigint[], OUT branches text[], OUT candidates bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT coalesce(array_agg(p.id), '{}'), coalesce(array_agg(p.searched_branch), '{}'),
           coalesce(sum(CASE WHEN language IS NULL THEN p.function_count
                             ELSE (p.function_counts ->> language)::bigint END), 0)
    INTO projects, branches, candidates
    FROM unnest(readable) AS r (id) JOIN agentforge.projects AS p ON p.id = r.id
    WHERE p.searched_branch IS NOT NULL AND (wanted IS NULL OR p.id = ANY (wanted));
END
$$;

-- The same of the projects that the caller may read. It reads those and nothing else: under row-level security, each project
-- would be compared with each.
CREATE FUNCTION agentforge.search_scope(
    wanted bigint[], language text, OUT projects bigint[], OUT branches text[], OUT candidates bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT s.projects, s.branches, s.candidates INTO projects, branches, candidates
    FROM agentforge.scope_of(agentforge.readable_projects(), wanted, language) AS s;
END
$$;

-- neighbours -----------------------------------------------------------------------------------------------------------

-- For each function, the ids of those whose vectors of the same model are nearest, best first, whatever their project: so
-- nobody reads the table but known_neighbours(). `db maintain` fills it, for the functions up to embedding_models.listed_up_to;
-- younger ones are compared when somebody asks. Ids of 31 bits: where a database has made more functions than that, it stays
-- as it is. Rows of functions that have gone are deleted with the next filling.
CREATE TABLE agentforge.function_neighbours (
    model_id integer NOT NULL REFERENCES agentforge.embedding_models,
    function_id bigint NOT NULL,
    neighbours integer[] NOT NULL CHECK (cardinality(neighbours) = 64),
    PRIMARY KEY (model_id, function_id)
);
ALTER TABLE agentforge.function_neighbours ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY function_neighbours_owner ON agentforge.function_neighbours TO agentforge_owner USING (true) WITH CHECK (true);
SELECT agentforge.audit_table('agentforge.function_neighbours');
ALTER TABLE agentforge.embedding_models ADD COLUMN listed_up_to bigint NOT NULL DEFAULT 0;
SELECT agentforge.audit_table('agentforge.embedding_models', 'row', '{name,version,dimension,created_at,listed_up_to}');

-- The nearest functions to one of the caller's, among those in the searched branches of some or (NULL) all projects that he
-- may read: from its list, and from the functions that are younger than the lists. NULL where there is no list, where it names
-- too few of the wanted, or where too many are younger. What lies in the function or around it is left out. The operator stands
-- with its schema, as the function works with its owner's rights.
DO $$
BEGIN
    EXECUTE format($function$
CREATE FUNCTION agentforge.known_neighbours(
    subject bigint, model integer, wanted bigint[], language text, most integer,
    OUT ids bigint[], OUT distances double precision[]
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    readable bigint[] := agentforge.readable_projects();
    own record;
    scope record;
    list record;
    vector %1$I.halfvec;
    excluded bigint[];
    read integer;
BEGIN
    SELECT f.project_id, f.file_analysis_id, f.start_line, f.end_line INTO own
    FROM agentforge.functions AS f WHERE f.id = subject;
    IF (own.project_id = ANY (readable)) IS NOT TRUE THEN
        RETURN;
    END IF;
    SELECT n.model_id, n.neighbours, m.listed_up_to AS youngest INTO list
    FROM agentforge.embedding_models AS m
    JOIN agentforge.function_neighbours AS n ON n.model_id = m.id AND n.function_id = subject
    WHERE model IS NULL OR m.id = model ORDER BY m.id DESC LIMIT 1;
    IF list.model_id IS NULL OR pg_sequence_last_value('agentforge.functions_id_seq') - list.youngest > 5000 THEN
        RETURN;
    END IF;
    SELECT e.embedding INTO vector FROM agentforge.function_embeddings AS e
    WHERE e.function_id = subject AND e.model_id = list.model_id;
    scope := agentforge.scope_of(readable, wanted, language);
    excluded := ARRAY(
        SELECT f.id FROM agentforge.functions AS f
        WHERE f.file_analysis_id = own.file_analysis_id AND f.start_line <= own.end_line AND own.start_line <= f.end_line);
    -- The first half is mostly enough. IS TRUE makes a hash table of the branches, not a join.
    FOREACH read IN ARRAY ARRAY[32, 64] LOOP
        SELECT array_agg(n.id), array_agg(n.distance) INTO ids, distances
        FROM (
            SELECT e.function_id AS id, e.embedding OPERATOR(%1$I.<=>) vector AS distance
            FROM unnest(list.neighbours[:read]) AS l (id) JOIN agentforge.function_embeddings AS e ON e.function_id = l.id
            WHERE e.model_id = list.model_id AND (language IS NULL OR e.file_type = language)
              AND e.function_id <> ALL (excluded)
              AND ((e.project_id, e.branch) IN (
                  SELECT s.project_id, s.branch FROM unnest(scope.projects, scope.branches) AS s (project_id, branch)
              )) IS TRUE
            ORDER BY distance, id
            LIMIT most
        ) AS n;
        EXIT WHEN cardinality(ids) = most;
    END LOOP;
    IF coalesce(cardinality(ids), 0) < most THEN
        ids := NULL;
    ELSIF pg_sequence_last_value('agentforge.functions_id_seq') > list.youngest THEN
        SELECT array_agg(n.id), array_agg(n.distance) INTO ids, distances
        FROM (
            SELECT k.id, k.distance FROM unnest(ids, distances) AS k (id, distance)
            UNION ALL
            SELECT e.function_id, e.embedding OPERATOR(%1$I.<=>) vector
            FROM agentforge.function_embeddings AS e
            WHERE e.function_id > list.youngest AND e.model_id = list.model_id
              AND (language IS NULL OR e.file_type = language) AND e.function_id <> ALL (excluded)
              AND ((e.project_id, e.branch) IN (
                  SELECT s.project_id, s.branch FROM unnest(scope.projects, scope.branches) AS s (project_id, branch)
              )) IS TRUE
            ORDER BY distance, id
            LIMIT most
        ) AS n;
    END IF;
END
$body$
    $function$, (SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
                 WHERE e.extname = 'vector'));
END
$$;

-- the index of vectors ---------------------------------------------------------------------------------------------------

-- It holds the functions up to the youngest one there is, so that those that come later cost their writers nothing: a search
-- compares them one by one, and `db maintain` makes another index (of that `suffix`) when they have become many.
DROP FUNCTION agentforge.vector_index_statement(integer, boolean, text);
CREATE FUNCTION agentforge.vector_index_statement(
    model integer, blocking boolean, parent text DEFAULT 'function_embeddings', suffix text DEFAULT ''
) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(
        'CREATE INDEX %1$s IF NOT EXISTS %2$I ON agentforge.%3$I '
        'USING hnsw ((embedding::%4$I.halfvec(%5$s)) %4$I.halfvec_cosine_ops) WITH (m = 16, ef_construction = 400)%6$s',
        CASE WHEN blocking THEN '' ELSE 'CONCURRENTLY' END, parent || '_' || m.id || '_hnsw' || suffix,
        parent || '_' || m.id, n.nspname, m.dimension,
        CASE WHEN parent = 'function_embeddings' THEN format(
            ' WHERE function_id <= %s', coalesce(pg_sequence_last_value('agentforge.functions_id_seq'), 0)) END
    )
    FROM agentforge.embedding_models AS m
    JOIN pg_extension AS e ON e.extname = 'vector'
    JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE m.id = model
$$;

-- The indexes over the vectors of functions that can be searched, and the youngest function that each may hold; NULL for any.
CREATE FUNCTION agentforge.vector_indexes(model integer) RETURNS TABLE (index_name text, up_to bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT c.relname::text, substring(pg_get_expr(i.indpred, i.indrelid) FROM '[0-9]+')::bigint
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS a ON a.oid = c.relam AND a.amname = 'hnsw'
    WHERE i.indrelid = to_regclass('agentforge.function_embeddings_' || model) AND i.indisvalid;
END
$$;

-- search ---------------------------------------------------------------------------------------------------------------

-- How many candidates are scanned at most, where the index of all rows could be searched instead. A scan costs in proportion to
-- the candidates, a search of the index in proportion to its width.
CREATE FUNCTION agentforge.scan_limit(rows bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT greatest(10000, floor(sqrt(rows * sqrt(rows * 222.0::double precision))))::bigint
$$;

-- How many of the nearest rows the index is asked for (hnsw.ef_search), so that enough of them are candidates. Fitted to a
-- recall of 0.97 with and without filters.
CREATE FUNCTION agentforge.search_width(rows bigint, candidates bigint) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT least(1000, greatest(60, floor(
        0.0394 * rows ^ 0.65 * (rows / greatest(candidates, 1)::double precision) ^ 1.15)))::integer
$$;

-- The nearest functions among all candidates, where few are left after the filters, else nearly all of them by the index.
CREATE FUNCTION agentforge.search_vectors(
    query halfvec, model integer, wanted bigint[], language text, most integer, excluded bigint[],
    OUT ids bigint[], OUT distances double precision[]
) LANGUAGE plpgsql AS $$
DECLARE
    scope record := agentforge.search_scope(wanted, language);
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
        PERFORM set_config('hnsw.ef_search', agentforge.search_width(rows, scope.candidates)::text, true),
                set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.max_scan_tuples', '40000', true);
        -- The expression, its type and the condition must be those of the index; `+ 0` keeps from it. IS TRUE makes a hash
        -- table of the branches, not a join.
        EXECUTE format(
            'WITH old AS MATERIALIZED ('
            'SELECT e.function_id, e.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s) AS distance '
            'FROM agentforge.function_embeddings AS e '
            'WHERE e.model_id = %2$s AND e.function_id <= %3$s AND ($2 IS NULL OR e.file_type = $2) '
            'AND e.function_id <> ALL ($3) AND ((e.project_id, e.branch) IN ('
            'SELECT s.project_id, s.branch FROM unnest($4, $5) AS s (project_id, branch))) IS TRUE '
            'ORDER BY distance LIMIT $6), '
            'young AS (SELECT e.function_id, (e.embedding <=> $1) + 0 AS distance FROM agentforge.function_embeddings AS e '
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
    -- `+ 0` keeps the planner from an approximate index. Two statements, so that one plan is right for each.
    IF language IS NULL THEN
        SELECT array_agg(n.function_id), array_agg(n.distance) INTO ids, distances
        FROM (
            SELECT e.function_id, (e.embedding <=> query) + 0 AS distance
            FROM unnest(scope.projects, scope.branches) AS s (project_id, branch)
            JOIN agentforge.function_embeddings AS e ON e.project_id = s.project_id AND e.branch = s.branch
            WHERE e.model_id = model AND e.function_id <> ALL (excluded)
            ORDER BY distance, e.function_id LIMIT most
        ) AS n;
    ELSE
        SELECT array_agg(n.function_id), array_agg(n.distance) INTO ids, distances
        FROM (
            SELECT e.function_id, (e.embedding <=> query) + 0 AS distance
            FROM unnest(scope.projects, scope.branches) AS s (project_id, branch)
            JOIN agentforge.function_embeddings AS e ON e.project_id = s.project_id AND e.branch = s.branch
            WHERE e.model_id = model AND e.file_type = language AND e.function_id <> ALL (excluded)
            ORDER BY distance, e.function_id LIMIT most
        ) AS n;
    END IF;
END
$$;

-- What is shown of the functions nearest to one, best first. It is given by its id (`subject`; by the last model where `model` is
-- NULL), or by its vector and, where it is in a project, its place: what lies in it or around it is no match.
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
    excluded bigint[];
BEGIN
    IF subject IS NOT NULL THEN
        SELECT k.ids, k.distances INTO found_ids, found_distances
        FROM agentforge.known_neighbours(subject, model, wanted, language, most) AS k;
    END IF;
    IF found_ids IS NULL THEN
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
        SELECT v.ids, v.distances INTO found_ids, found_distances
        FROM agentforge.search_vectors(query, model, wanted, language, most, excluded) AS v;
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

GRANT EXECUTE ON FUNCTION agentforge.search_scope(bigint[], text), agentforge.scan_limit(bigint),
    agentforge.search_width(bigint, bigint), agentforge.vector_indexes(integer), agentforge.known_neighbours(bigint, integer, bigint[], text, integer),
    agentforge.search_vectors(halfvec, integer, bigint[], text, integer, bigint[]),
    agentforge.nearest_functions(
        bigint, halfvec, integer, bigint, text, integer, integer, bigint[], text, integer) TO agentforge_app;
