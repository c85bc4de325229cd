-- Patterns of a team: what a whole function looks like that does a certain thing. Each is compared in every project, so only
-- admins write them, as they do rules; and each holds the code of its examples, so who may add one publishes that code.
--
-- A pattern has one row, of the model that made its vector. Analyses compute the vector of theirs from the examples, whichever
-- model they use; this one is for those who ask in SQL.
ALTER TABLE agentforge.pattern_embeddings
    ADD COLUMN title text NOT NULL DEFAULT '',
    ADD COLUMN severity text NOT NULL DEFAULT 'info' CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
    ADD COLUMN cwe integer CHECK (cwe > 0),
    ADD COLUMN configuration jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(configuration) = 'object'),
    ADD COLUMN least_score double precision CHECK (least_score BETWEEN -1 AND 1),
    ADD COLUMN created_by bigint DEFAULT agentforge.current_user_id() REFERENCES agentforge.users ON DELETE SET NULL,
    ADD CONSTRAINT pattern_embeddings_examples CHECK (jsonb_typeof(examples) = 'array'),
    DROP CONSTRAINT pattern_embeddings_name,
    ADD CONSTRAINT pattern_embeddings_name UNIQUE (model_id, pattern_name);
CREATE INDEX pattern_embeddings_created_by ON agentforge.pattern_embeddings (created_by);

DROP POLICY pattern_embeddings_write ON agentforge.pattern_embeddings;
CREATE POLICY pattern_embeddings_write ON agentforge.pattern_embeddings FOR ALL TO agentforge_app
    USING ((SELECT agentforge.writes_everything()));
SELECT agentforge.audit_table(
    'agentforge.pattern_embeddings', 'row',
    '{model_id,pattern_type,pattern_name,title,description,severity,cwe,configuration,least_score,created_by,created_at}');

-- The idioms that functions are, by the names of the patterns. What falls within another pattern is a row of code_violations.
CREATE TABLE agentforge.function_idioms (
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    function_id bigint NOT NULL,
    pattern_name text NOT NULL CHECK (pattern_name <> ''),
    PRIMARY KEY (project_id, function_id, pattern_name),
    CONSTRAINT function_idioms_function_fkey FOREIGN KEY (project_id, function_id)
        REFERENCES agentforge.functions (project_id, id) ON DELETE CASCADE
);
CREATE INDEX function_idioms_function ON agentforge.function_idioms (function_id, project_id);
CREATE INDEX function_idioms_pattern ON agentforge.function_idioms (pattern_name, project_id);
ALTER TABLE agentforge.function_idioms ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY function_idioms_owner ON agentforge.function_idioms TO agentforge_owner USING (true) WITH CHECK (true);
CREATE POLICY function_idioms_read ON agentforge.function_idioms FOR SELECT TO agentforge_app USING (
    (SELECT agentforge.reads_everything()) OR project_id = ANY ((SELECT agentforge.readable_projects())::bigint[]));
CREATE POLICY function_idioms_insert ON agentforge.function_idioms FOR INSERT TO agentforge_app WITH CHECK (
    (SELECT agentforge.writes_everything()) OR project_id = ANY ((SELECT agentforge.writable_projects())::bigint[]));
CREATE POLICY function_idioms_update ON agentforge.function_idioms FOR UPDATE TO agentforge_app USING (
    (SELECT agentforge.writes_everything()) OR project_id = ANY ((SELECT agentforge.writable_projects())::bigint[]));
CREATE POLICY function_idioms_delete ON agentforge.function_idioms FOR DELETE TO agentforge_app USING (
    (SELECT agentforge.writes_everything()) OR project_id = ANY ((SELECT agentforge.writable_projects())::bigint[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON agentforge.function_idioms TO agentforge_app;
SELECT agentforge.audit_table('agentforge.function_idioms');
