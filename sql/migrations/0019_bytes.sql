-- What a function takes. docs/performance.md has the measurements, before and after.

-- The table of functions is made anew: columns in an order without gaps between them, one key for both of its two, a number
-- to find a name by, digests of 16 bytes, and code that is compressed. Whoever adds a column before this has to add it here.
DO $$
BEGIN
    IF (SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute
        WHERE attrelid = 'agentforge.functions'::regclass AND attnum > 0 AND NOT attisdropped) <>
       '{code,code_hash,cognitive,cyclomatic,distinct_operands,distinct_operators,end_line,file_analysis_id,function_name,
         function_signature,halstead_difficulty,halstead_effort,halstead_volume,id,introduced_by,lines_of_code,
         maintainability_index,name_key,nesting,operands,operators,parameters,project_id,qualified_name,start_line}'::text[] THEN
        RAISE EXCEPTION 'agentforge.functions has columns that this migration does not know';
    END IF;
END
$$;
ALTER TABLE agentforge.functions RENAME TO former_functions;
ALTER SEQUENCE agentforge.functions_id_seq RENAME TO former_functions_id_seq;
CREATE TABLE agentforge.functions (
    id bigint GENERATED ALWAYS AS IDENTITY,
    project_id bigint NOT NULL,
    file_analysis_id bigint NOT NULL,
    introduced_by bigint,
    maintainability_index double precision NOT NULL CHECK (maintainability_index BETWEEN 0 AND 100),
    halstead_volume real NOT NULL,
    halstead_difficulty real NOT NULL,
    halstead_effort real NOT NULL,
    start_line integer NOT NULL CHECK (start_line >= 1),
    end_line integer NOT NULL CHECK (end_line >= start_line),
    lines_of_code integer NOT NULL CHECK (lines_of_code >= 0),
    parameters integer NOT NULL CHECK (parameters >= 0),
    cyclomatic integer NOT NULL CHECK (cyclomatic >= 1),
    cognitive integer NOT NULL CHECK (cognitive >= 0),
    nesting integer NOT NULL CHECK (nesting >= 0),
    distinct_operators integer NOT NULL CHECK (distinct_operators >= 0),
    distinct_operands integer NOT NULL CHECK (distinct_operands >= 0),
    operators integer NOT NULL CHECK (operators >= 0),
    operands integer NOT NULL CHECK (operands >= 0),
    name_hash integer NOT NULL GENERATED ALWAYS AS (hashtext(lower(function_name))) STORED,
    code_hash bytea NOT NULL,
    function_name text NOT NULL,
    qualified_name text NOT NULL,
    function_signature text NOT NULL,
    code text NOT NULL
);

-- PostgreSQL compresses the values of a row only where the row is longer than 2 kB, which few functions are; a value that is
-- compressed already stays so in whichever row. So code passes through rows that are made long enough: in a table whose columns
-- of text all are MAIN, they are compressed and stay in the row. load.sql does the same with what an analysis brings.
CREATE UNLOGGED TABLE agentforge.packed_code (
    id bigint, code text STORAGE MAIN, filling text STORAGE MAIN DEFAULT repeat(' ', 2048)
) WITH (toast_tuple_target = 128);
INSERT INTO agentforge.packed_code (id, code) SELECT id, code FROM agentforge.former_functions;
ANALYZE agentforge.packed_code, agentforge.former_functions;

INSERT INTO agentforge.functions
    (id, project_id, file_analysis_id, introduced_by, maintainability_index, halstead_volume, halstead_difficulty,
     halstead_effort, start_line, end_line, lines_of_code, parameters, cyclomatic, cognitive, nesting, distinct_operators,
     distinct_operands, operators, operands, code_hash, function_name, qualified_name, function_signature, code)
OVERRIDING SYSTEM VALUE
SELECT f.id, f.project_id, f.file_analysis_id, f.introduced_by, f.maintainability_index, f.halstead_volume,
       f.halstead_difficulty, f.halstead_effort, f.start_line, f.end_line, f.lines_of_code, f.parameters, f.cyclomatic,
       f.cognitive, f.nesting, f.distinct_operators, f.distinct_operands, f.operators, f.operands,
       substring(f.code_hash FOR 16), f.function_name, f.qualified_name, f.function_signature, p.code
FROM agentforge.former_functions AS f JOIN agentforge.packed_code AS p USING (id)
ORDER BY f.id;
SELECT setval('agentforge.functions_id_seq', pg_sequence_last_value('agentforge.former_functions_id_seq'))
WHERE pg_sequence_last_value('agentforge.former_functions_id_seq') IS NOT NULL;
DROP TABLE agentforge.packed_code;

-- It is protected as it was, by the policies and triggers that it has by now.
ALTER TABLE agentforge.functions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON agentforge.functions TO agentforge_app;
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('CREATE POLICY %I ON agentforge.functions AS %s FOR %s TO %s', p.policyname, p.permissive, p.cmd,
                      (SELECT string_agg(quote_ident(r), ', ') FROM unnest(p.roles) AS r))
               || coalesce(' USING (' || p.qual || ')', '') || coalesce(' WITH CHECK (' || p.with_check || ')', '')
        FROM pg_policies AS p WHERE p.schemaname = 'agentforge' AND p.tablename = 'former_functions'
        UNION ALL
        SELECT replace(pg_get_triggerdef(t.oid), 'agentforge.former_functions', 'agentforge.functions') FROM pg_trigger AS t
        WHERE t.tgrelid = 'agentforge.former_functions'::regclass AND NOT t.tgisinternal
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;

ALTER TABLE agentforge.function_embeddings DROP CONSTRAINT function_embeddings_function_fkey;
ALTER TABLE agentforge.function_duplicates
    DROP CONSTRAINT function_duplicates_function_fkey, DROP CONSTRAINT function_duplicates_other_fkey;
ALTER TABLE agentforge.function_idioms DROP CONSTRAINT function_idioms_function_fkey;
DROP TABLE agentforge.former_functions;
ALTER TABLE agentforge.functions
    ADD PRIMARY KEY (id, project_id),
    ADD FOREIGN KEY (project_id) REFERENCES agentforge.projects ON DELETE CASCADE,
    ADD CONSTRAINT functions_file_fkey FOREIGN KEY (project_id, file_analysis_id)
        REFERENCES agentforge.file_analyses (project_id, id) ON DELETE CASCADE;
ALTER TABLE agentforge.function_embeddings
    ADD CONSTRAINT function_embeddings_function_fkey FOREIGN KEY (project_id, function_id)
        REFERENCES agentforge.functions (project_id, id) ON DELETE CASCADE;
ALTER TABLE agentforge.function_duplicates
    ADD CONSTRAINT function_duplicates_function_fkey FOREIGN KEY (project_id, function_id)
        REFERENCES agentforge.functions (project_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT function_duplicates_other_fkey FOREIGN KEY (project_id, other_function_id)
        REFERENCES agentforge.functions (project_id, id) ON DELETE CASCADE;
ALTER TABLE agentforge.function_idioms
    ADD CONSTRAINT function_idioms_function_fkey FOREIGN KEY (project_id, function_id)
        REFERENCES agentforge.functions (project_id, id) ON DELETE CASCADE;
CREATE INDEX functions_file ON agentforge.functions (file_analysis_id, project_id);
CREATE INDEX functions_project ON agentforge.functions (project_id);
CREATE INDEX functions_name ON agentforge.functions (name_hash);
CREATE INDEX functions_code_hash ON agentforge.functions USING hash (code_hash);
CREATE INDEX functions_words ON agentforge.functions USING gin (agentforge.search_words(qualified_name, code))
    WITH (gin_pending_list_limit = 256);

-- Code outside functions: one key, and digests as short.
ALTER TABLE agentforge.code_embeddings DROP CONSTRAINT code_embeddings_chunk_fkey;
ALTER TABLE agentforge.code_chunks
    DROP CONSTRAINT code_chunks_key, DROP CONSTRAINT code_chunks_pkey, ADD PRIMARY KEY (id, project_id),
    ALTER COLUMN code_hash TYPE bytea USING substring(code_hash FOR 16);
CREATE INDEX code_chunks_project ON agentforge.code_chunks (project_id);
ALTER TABLE agentforge.code_embeddings
    ADD CONSTRAINT code_embeddings_chunk_fkey FOREIGN KEY (project_id, chunk_id)
        REFERENCES agentforge.code_chunks (project_id, id) ON DELETE CASCADE;

-- Closed sets. What the trail held before stays as it is, whatever it is.
ALTER TABLE agentforge.audit_logs ADD CONSTRAINT audit_logs_action_check CHECK (action IN (
    'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'LOGIN', 'LOGIN_FAILED', 'LOGOUT', 'MOVE', 'DETACH', 'DROP')) NOT VALID;
UPDATE agentforge.compliance_reports SET report_type = 'on_demand'  -- nothing of ours wrote any before
WHERE report_type NOT IN ('daily', 'weekly', 'monthly', 'quarterly', 'yearly', 'on_demand');
ALTER TABLE agentforge.compliance_reports ADD CONSTRAINT compliance_reports_report_type_check
    CHECK (report_type IN ('daily', 'weekly', 'monthly', 'quarterly', 'yearly', 'on_demand'));
