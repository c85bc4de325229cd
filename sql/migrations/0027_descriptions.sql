-- What is written about a function, in its docstring or in front of it: the beginning, as prose on one line; empty where
-- nothing is, and where a function was stored before this.
ALTER TABLE agentforge.functions ADD COLUMN description text NOT NULL DEFAULT '';
GRANT INSERT (description) ON agentforge.functions TO agentforge_app;

-- The words of a function: of its name (weight A), of what is written about it (B), and of its code, as
-- agentforge.split_words() has them. No more of the code than people write in one function: a tsvector has a limit of a
-- megabyte.
CREATE FUNCTION agentforge.search_words(name text, description text, code text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN setweight(to_tsvector('pg_catalog.english'::regconfig, agentforge.split_words(name)), 'A')
        || setweight(to_tsvector('pg_catalog.english'::regconfig, agentforge.split_words(description)), 'B')
        || to_tsvector('pg_catalog.english'::regconfig, agentforge.split_words(left(code, 20000)));
GRANT EXECUTE ON FUNCTION agentforge.search_words(text, text, text) TO agentforge_app;
DROP INDEX agentforge.functions_words;
CREATE INDEX functions_words ON agentforge.functions USING gin (agentforge.search_words(qualified_name, description, code))
    WITH (gin_pending_list_limit = 256);

-- The functions, among those in the searched branches of some or (NULL) all projects that the caller may read, that have the
-- words of a text, the best first. It runs with its owner's rights, because a policy would be asked about every function before
-- the index is; so search_scope() says what the caller may read.
--
-- First each word finds its functions, and the rarer a word is the more it counts (ln(1 + functions / those with it)), four
-- times if the name has it, twice if what is written about the function has it. The best hundred are then ranked by BM25F
-- (Robertson, Zaragoza and Taylor 2004; k1 = 1.2), in which a word in the name counts as eight, one in the description as four,
-- and the code alone is weighed by its length (b = 0.75, 500 characters are the usual ones). docs/embedding.md says how these
-- were chosen.
CREATE OR REPLACE FUNCTION agentforge.functions_by_words(
    text text, wanted bigint[], language text, kind text, tests boolean, most integer
) RETURNS TABLE (function_id bigint, score double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH words AS MATERIALIZED (
        SELECT w.lexeme FROM unnest(to_tsvector('english', agentforge.split_words(left(text, 2000)))) AS w
    ), scope AS MATERIALIZED (
        SELECT s.projects, s.branches, s.candidates FROM agentforge.search_scope(wanted, language) AS s
    ), hits AS MATERIALIZED (
        SELECT w.lexeme, f.id, f.lines_of_code,
               CASE WHEN strpos(lower(f.qualified_name), s.stem) > 0 THEN 4
                    WHEN strpos(lower(f.description), s.stem) > 0 THEN 2 ELSE 1 END AS counts
        FROM words AS w
        CROSS JOIN LATERAL (SELECT left(w.lexeme, greatest(3, length(w.lexeme) - 1)) AS stem) AS s
        CROSS JOIN LATERAL (  -- OFFSET keeps the planner, which guesses low, from reading whole projects instead
            SELECT g.id, g.file_analysis_id, g.function_name, g.qualified_name, g.description, g.lines_of_code
            FROM agentforge.functions AS g
            WHERE agentforge.search_words(g.qualified_name, g.description, g.code)
                @@ to_tsquery('simple', quote_literal(w.lexeme)) OFFSET 0
        ) AS f
        JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
        JOIN (SELECT unnest(scope.projects) AS project_id, unnest(scope.branches) AS branch FROM scope) AS p
          ON p.project_id = a.project_id AND p.branch = a.branch
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
        SELECT h.id, sum(k.rarity * h.counts) AS score
        FROM hits AS h JOIN known AS k USING (lexeme)
        GROUP BY h.id
        ORDER BY score DESC, min(h.lines_of_code), h.id LIMIT 100
    )
    SELECT f.id, sum(k.rarity * v.times * 2.2 / (v.times + 1.2))::double precision AS score
    FROM likely JOIN agentforge.functions AS f USING (id)
    CROSS JOIN LATERAL (  -- OFFSET has the code, which is compressed, measured once and not for each word of it
        SELECT 1 / (0.25 + 0.75 * length(f.code) / 500) AS in_code OFFSET 0
    ) AS l
    CROSS JOIN LATERAL (
        SELECT w.lexeme, (
            SELECT sum(CASE p.weight WHEN 'A' THEN 8 WHEN 'B' THEN 4 ELSE l.in_code END)
            FROM unnest(w.weights) AS p (weight)
        ) AS times
        FROM unnest(agentforge.search_words(f.qualified_name, f.description, f.code)) AS w
    ) AS v
    JOIN known AS k ON k.lexeme = v.lexeme
    GROUP BY f.id
    ORDER BY score DESC, f.id LIMIT most
$$;
DROP FUNCTION agentforge.search_words(text, text);
