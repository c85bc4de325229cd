-- tables --
SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('agentforge') AND relkind IN ('r', 'p');

-- prepare --
-- A dump of one schema leaves extensions out: pgvector comes first, where migrations would put it.
CREATE SCHEMA IF NOT EXISTS agentforge;
CREATE EXTENSION IF NOT EXISTS vector SCHEMA agentforge;
