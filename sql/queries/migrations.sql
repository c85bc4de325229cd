-- lock --
-- One migrating session at a time in a database; released at the end of the transaction.
SELECT pg_advisory_xact_lock(7305110714320412001);

-- prepare --
CREATE TABLE IF NOT EXISTS agentforge.schema_migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- applied --
SELECT name, checksum FROM agentforge.schema_migrations ORDER BY name;

-- record --
INSERT INTO agentforge.schema_migrations (name, checksum) VALUES (%(name)s, %(checksum)s);

-- script_record --
-- For a script that people run: names and checksums are our own files', no data.
INSERT INTO agentforge.schema_migrations (name, checksum) VALUES ('{name}', '{checksum}');
