-- The functions that have the words of a text, as migration 0027 explains, with the same scores for half the work. To split a
-- function into its words and to find their stems is most of a search, so of its code only those runs of letters and digits are
-- looked at that hold the beginning of a stem which is asked for. A stem differs from its word at most in its last letter (fly:
-- fli), but for the likes of die (dying). What the text has of more than sixteen words costs more to find so than to split.
CREATE OR REPLACE FUNCTION agentforge.functions_by_words(
    text text, wanted bigint[], language text, kind text, tests boolean, most integer
) RETURNS TABLE (function_id bigint, score double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH words AS MATERIALIZED (
        SELECT w.lexeme FROM unnest(to_tsvector('english', agentforge.split_words(left(text, 2000)))) AS w
    ), places AS MATERIALIZED (
        SELECT '[[:alnum:]]*(?:' || string_agg(left(w.lexeme, CASE WHEN w.lexeme LIKE '_ie' THEN 1
                   ELSE greatest(1, length(w.lexeme) - 1) END), '|') || ')[[:alnum:]]*' AS expression
        FROM words AS w HAVING count(*) <= 16
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
        SELECT CASE WHEN EXISTS (TABLE places) THEN (
            SELECT coalesce(string_agg(found[1], ' '), '')
            FROM regexp_matches(left(f.code, 20000), (TABLE places), 'gi') AS found
        ) ELSE f.code END AS code
    ) AS c
    CROSS JOIN LATERAL (
        SELECT w.lexeme, (
            SELECT sum(CASE p.weight WHEN 'A' THEN 8 WHEN 'B' THEN 4 ELSE l.in_code END)
            FROM unnest(w.weights) AS p (weight)
        ) AS times
        FROM unnest(agentforge.search_words(f.qualified_name, f.description, c.code)) AS w OFFSET 0
    ) AS v
    JOIN known AS k ON k.lexeme = v.lexeme
    GROUP BY f.id
    ORDER BY score DESC, f.id LIMIT most
$$;
