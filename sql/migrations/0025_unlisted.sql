-- What a hundred readers at once wait for: vectors that lists of neighbours do not hold lie together, and the worst violations lie in
-- their order. docs/adr/0009-unlisted-vectors.md has the measurements.

-- vectors --------------------------------------------------------------------------------------------------------------

-- Copies of the vectors that the lists of their model do not hold: of the functions that are younger than the lists, and of those
-- whose vector has changed since. A search compares each of them with its subject. In function_embeddings each lies in a page of
-- its own; here a page has a dozen. Only of models that have lists, and of as many as a search compares, 5,000: where there are
-- more, lists rest, and some may be missing here. What has gone stays until `db maintain` comes.
CREATE TABLE agentforge.unlisted_vectors (
    function_id bigint NOT NULL,
    model_id integer NOT NULL REFERENCES agentforge.embedding_models,
    embedding halfvec NOT NULL,
    PRIMARY KEY (model_id, function_id)
);
ALTER TABLE agentforge.unlisted_vectors ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY unlisted_vectors_owner ON agentforge.unlisted_vectors TO agentforge_owner USING (true) WITH CHECK (true);
SELECT agentforge.audit_table('agentforge.unlisted_vectors');

INSERT INTO agentforge.unlisted_vectors (function_id, model_id, embedding)
SELECT u.function_id, m.id, u.embedding
FROM agentforge.embedding_models AS m
CROSS JOIN LATERAL (
    (SELECT e.function_id, e.embedding FROM agentforge.function_embeddings AS e
     WHERE e.model_id = m.id AND e.function_id > m.listed_up_to LIMIT 5000)
    UNION ALL
    (SELECT e.function_id, e.embedding
     FROM agentforge.function_neighbours AS c
     JOIN agentforge.function_embeddings AS e ON e.function_id = c.function_id AND e.model_id = c.model_id
     WHERE c.model_id = m.id AND c.function_id <= m.listed_up_to AND (c.neighbours IS NULL OR c.neighbours = '{}') LIMIT 5000)
) AS u
WHERE m.listed_up_to > 0;

-- A vector that comes or changes is marked, where its function is not younger than the lists, and copied.
CREATE OR REPLACE FUNCTION agentforge.note_vectors() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    listed record;
BEGIN
    FOR listed IN
        SELECT n.model_id, n.rows, n.first, greatest(m.listed_up_to, (
            SELECT max(l.function_id) FROM agentforge.function_neighbours AS l WHERE l.model_id = n.model_id)) AS up_to
        FROM (SELECT model_id, count(*) AS rows, min(function_id) AS first FROM new_rows GROUP BY model_id) AS n
        JOIN agentforge.embedding_models AS m ON m.id = n.model_id
    LOOP
        IF listed.first <= listed.up_to THEN
            INSERT INTO agentforge.function_neighbours (model_id, function_id)
            SELECT n.model_id, n.function_id FROM new_rows AS n
            WHERE n.model_id = listed.model_id AND n.function_id <= listed.up_to
            ON CONFLICT (model_id, function_id) DO UPDATE SET neighbours = NULL;
        END IF;
        IF listed.up_to > 0 AND listed.rows <= 5000 THEN
            INSERT INTO agentforge.unlisted_vectors (function_id, model_id, embedding)
            SELECT n.function_id, n.model_id, n.embedding FROM new_rows AS n WHERE n.model_id = listed.model_id
            ON CONFLICT (model_id, function_id) DO UPDATE SET embedding = EXCLUDED.embedding;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- The operator of vectors stands with its schema, as the function works with its owner's rights: it returns only what is among
-- readable_projects() of the caller.
DO $$
BEGIN
    EXECUTE replace($function$
-- The nearest functions to one of the caller's, among those in the searched branches of some or (NULL) all projects that he may
-- read: from its list, and from the functions that have changed since or are younger than the lists. What lies in the function
-- or around it is left out. NULL where there is no list, or where too many have changed; not `complete` where the list names
-- too few of the wanted: those that it names are the nearest, all the same.
CREATE OR REPLACE FUNCTION agentforge.listed_neighbours(
    subject bigint, model integer, wanted bigint[], language text, most integer,
    OUT ids bigint[], OUT distances double precision[], OUT complete boolean
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    AS $body$
DECLARE
    readable bigint[] := agentforge.granted_to_read();
    everything boolean := readable = '{}' AND agentforge.reads_everything();
    own record;
    read integer;
    near_ids bigint[];
    near_distances double precision[];
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
        least(64, CASE WHEN everything AND wanted IS NULL AND language IS NULL THEN 8 ELSE 16 END * most / 5), 64
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
    $function$, '{vectors}', (
        SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'vector'));
END
$$;

-- violations -----------------------------------------------------------------------------------------------------------

-- Whether a violation is in a file of tests, so that the worst ones outside tests come first without a look at their files.
ALTER TABLE agentforge.code_violations ADD COLUMN in_tests boolean NOT NULL DEFAULT false;
UPDATE agentforge.code_violations AS v SET in_tests = true
FROM agentforge.file_analyses AS f WHERE f.id = v.file_analysis_id AND f.project_id = v.project_id AND f.is_test;

CREATE FUNCTION agentforge.note_tests() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.in_tests := EXISTS (
        SELECT FROM agentforge.file_analyses AS f
        WHERE f.id = NEW.file_analysis_id AND f.project_id = NEW.project_id AND f.is_test);
    RETURN NEW;
END
$$;
CREATE TRIGGER code_violations_tests BEFORE INSERT OR UPDATE OF file_analysis_id, in_tests ON agentforge.code_violations
    FOR EACH ROW EXECUTE FUNCTION agentforge.note_tests();

CREATE FUNCTION agentforge.pass_tests_on() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE agentforge.code_violations AS v SET in_tests = NEW.is_test
    WHERE v.file_analysis_id = NEW.id AND v.project_id = NEW.project_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER file_analyses_tests AFTER UPDATE OF is_test ON agentforge.file_analyses
    FOR EACH ROW WHEN (OLD.is_test <> NEW.is_test) EXECUTE FUNCTION agentforge.pass_tests_on();

-- The violations of a branch that somebody should do something about, of each severity in the order in which they are shown.
CREATE INDEX code_violations_worst ON agentforge.code_violations (
    project_id, branch, severity, in_tests, file_path COLLATE "C", line_number, column_number, rule_id COLLATE "C"
) WHERE resolved_at IS NULL AND NOT imported AND status <> 'waived';

CREATE OR REPLACE VIEW agentforge.violations WITH (security_invoker = true) AS
SELECT v.id, v.project_id, v.file_analysis_id, v.branch, v.file_path, v.rule_id, v.rule_name, v.category, v.severity,
       v.confidence, v.cwe, v.line_number, v.column_number, v.end_line, v.end_column, v.message, v.suggestion, v.function_name,
       v.line_hash, v.fingerprint,
       CASE WHEN v.waiver_kind = 'stored' AND NOT agentforge.waiver_holds(w.until) THEN 'open' ELSE v.status END AS status,
       v.introduced_by, v.reopened_by, v.resolved_by, v.waived_by, v.created_at, v.resolved_at, v.waiver_kind,
       coalesce(v.waiver_reason, w.reason) AS waiver_reason, v.waiver_id,
       w.created_by_name AS waiver_username, w.created_at AS waiver_created_at, w.until AS waiver_until, v.tool, v.imported,
       v.flow, v.in_tests
FROM agentforge.code_violations AS v
LEFT JOIN agentforge.violation_waivers AS w
    ON v.waiver_kind = 'stored' AND w.id = v.waiver_id AND w.project_id = v.project_id;
