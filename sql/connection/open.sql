-- Look names up in schema agentforge and in the catalogue, and in the schema of pgvector where that is another one: last, so
-- that nothing there can stand in for a name of ours. Where a pooler is in between (the process that answers is not the one
-- that said hello), it holds for the transaction only. Returns the version of pgvector in this database, NULL without it.
SELECT pg_catalog.set_config(
           'search_path',
           'agentforge, pg_catalog' || coalesce(', ' || pg_catalog.quote_ident(namespace.nspname), ''),
           pg_catalog.pg_backend_pid() <> %(backend_pid)s
       ) AS search_path,
       extension.extversion AS vector_version
FROM (VALUES (true)) AS always (one)
LEFT JOIN pg_catalog.pg_extension AS extension ON extension.extname = 'vector'
LEFT JOIN pg_catalog.pg_namespace AS namespace
    ON namespace.oid = extension.extnamespace AND namespace.nspname NOT IN ('agentforge', 'pg_catalog');
