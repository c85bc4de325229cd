-- Which analysis first met the code of a function in its branch: what is new since the last one. It is no reference: a number
-- of an analysis that is gone is only one that is not the last, and it costs no index. NULL where it was stored before this.
ALTER TABLE agentforge.functions ADD COLUMN introduced_by bigint;

-- Words as a text search sees them: sub-tokens of camelCase and snake_case apart, in stems of English, without its stop words. The
-- name counts as weight A. No more of the code than people write in one function: a tsvector has a limit of a megabyte. The body
-- is parsed here, once, so that no search path matters, and it is inlined, so that an index costs no call for each row.
CREATE FUNCTION agentforge.split_words(words text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN regexp_replace(
        regexp_replace(words, '([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])', '\1\3 \2\4', 'g'), '[^[:alnum:]]+', ' ', 'g'
    );
CREATE FUNCTION agentforge.search_words(name text, code text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN setweight(to_tsvector('pg_catalog.english'::regconfig, agentforge.split_words(name)), 'A')
        || to_tsvector('pg_catalog.english'::regconfig, agentforge.split_words(left(code, 20000)));
GRANT EXECUTE ON FUNCTION agentforge.split_words(text), agentforge.search_words(text, text) TO agentforge_app;

-- Rows wait in a list until it has 256 kB: with the usual 4 MB the index of 20,000 functions was three times as large.
CREATE INDEX functions_words ON agentforge.functions USING gin (agentforge.search_words(qualified_name, code))
    WITH (gin_pending_list_limit = 256);

-- The functions, among those in the searched branches of some or (NULL) all projects that the caller may read, that have the words
-- of a text, the best first. It runs with its owner's rights, because a policy would be asked about every function before the
-- index is; so search_scope() says what the caller may read.
--
-- First each word finds its functions, and the rarer a word is the more it counts (ln(1 + functions / those with it)), four times if
-- the name has it. The best hundred are then ranked by BM25 (Robertson and others 1995; k1 = 1.2, b = 0.75, a body of 500 characters
-- is the usual one), where a word in the name counts as eight. docs/embedding.md says how these were chosen.
CREATE FUNCTION agentforge.functions_by_words(
    text text, wanted bigint[], language text, kind text, tests boolean, most integer
) RETURNS TABLE (function_id bigint, score double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH words AS MATERIALIZED (
        SELECT w.lexeme FROM unnest(to_tsvector('english', agentforge.split_words(left(text, 2000)))) AS w
    ), scope AS MATERIALIZED (
        SELECT s.projects, s.branches, s.candidates FROM agentforge.search_scope(wanted, language) AS s
    ), hits AS MATERIALIZED (
        SELECT w.lexeme, f.id, f.lines_of_code,
               strpos(lower(f.qualified_name), left(w.lexeme, greatest(3, length(w.lexeme) - 1))) > 0 AS in_name
        FROM words AS w
        CROSS JOIN LATERAL (  -- OFFSET keeps the planner, which guesses low, from reading whole projects instead
            SELECT g.id, g.file_analysis_id, g.function_name, g.qualified_name, g.lines_of_code FROM agentforge.functions AS g
            WHERE agentforge.search_words(g.qualified_name, g.code) @@ to_tsquery('simple', quote_literal(w.lexeme)) OFFSET 0
        ) AS f
        JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
        JOIN (SELECT unnest(scope.projects) AS project_id, unnest(scope.branches) AS branch FROM scope) AS s
          ON s.project_id = a.project_id AND s.branch = a.branch
        WHERE (language IS NULL OR a.file_type = language) AND (tests OR NOT a.is_test)
          AND (kind IS NULL OR (kind = 'method') = (
              f.qualified_name <> f.function_name AND NOT EXISTS (
                  SELECT FROM agentforge.functions AS o
                  WHERE o.file_analysis_id = f.file_analysis_id
                    AND o.qualified_name || '.' || f.function_name = f.qualified_name
              )))
    ), known AS MATERIALIZED (
        SELECT h.lexeme, ln(1 + (SELECT scope.candidates FROM scope) / count(*)::double precision) AS rarity
        FROM hits AS h GROUP BY h.lexeme
    ), likely AS MATERIALIZED (
        SELECT h.id, sum(k.rarity * CASE WHEN h.in_name THEN 4 ELSE 1 END) AS score
        FROM hits AS h JOIN known AS k USING (lexeme)
        GROUP BY h.id
        ORDER BY score DESC, min(h.lines_of_code), h.id LIMIT 100
    )
    SELECT f.id,
           sum(k.rarity * v.times * 2.2 / (v.times + 1.2 * (0.25 + 0.75 * length(f.code) / 500.0)))::double precision AS score
    FROM likely JOIN agentforge.functions AS f USING (id)
    CROSS JOIN LATERAL (
        SELECT w.lexeme, (SELECT sum(CASE p.weight WHEN 'A' THEN 8 ELSE 1 END) FROM unnest(w.weights) AS p (weight)) AS times
        FROM unnest(agentforge.search_words(f.qualified_name, f.code)) AS w
    ) AS v
    JOIN known AS k ON k.lexeme = v.lexeme
    GROUP BY f.id
    ORDER BY score DESC, f.id LIMIT most
$$;
GRANT EXECUTE ON FUNCTION
    agentforge.functions_by_words(text, bigint[], text, text, boolean, integer) TO agentforge_app;
