-- holding --
-- The version of a model whose means hold: the last that was made of these weights.
SELECT m.id FROM agentforge.embedding_models AS m
WHERE m.name = %(name)s AND starts_with(m.version, %(weights)s || '-')
  AND EXISTS (SELECT FROM agentforge.embedding_centres AS c WHERE c.model_id = m.id)
ORDER BY m.id DESC LIMIT 1;

-- centres --
SELECT m.version, c.language, c.pieces, c.mean
FROM agentforge.embedding_models AS m JOIN agentforge.embedding_centres AS c ON c.model_id = m.id
WHERE m.id = %(model_id)s ORDER BY c.language;

-- sample --
-- Functions that the caller may read, chosen by the hash of their code: so many of each language, equal code once.
WITH codes AS (
    SELECT DISTINCT ON (a.file_type, f.code_hash) a.file_type, f.code_hash, f.id
    FROM agentforge.functions AS f JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
    WHERE a.file_type IS NOT NULL
    ORDER BY a.file_type, f.code_hash, f.id
), placed AS (
    SELECT c.file_type, c.id, row_number() OVER (PARTITION BY c.file_type ORDER BY c.code_hash) AS place FROM codes AS c
)
SELECT encode(f.code_hash, 'hex'), p.file_type, f.function_name, f.code
FROM placed AS p JOIN agentforge.functions AS f ON f.id = p.id
WHERE p.place <= %(most)s;

-- ensure --
SELECT agentforge.ensure_centred_model(%(name)s, %(weights)s, %(dimension)s, %(centres)s, %(anew)s);
