-- The version of pgvector that could be installed in this database; no row where the server does not have it.
SELECT default_version
FROM pg_catalog.pg_available_extensions
WHERE name = 'vector';
