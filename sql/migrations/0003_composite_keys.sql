-- No row can point into another project: references between tables of projects carry the project's id. And what row-level
-- security needs of columns: it lets an index serve `lower(x) = y` no longer, as lower() might show what it is given.

ALTER TABLE agentforge.project_analyses ADD CONSTRAINT project_analyses_key UNIQUE (project_id, id);

ALTER TABLE agentforge.file_analyses
    ADD CONSTRAINT file_analyses_key UNIQUE (project_id, id),
    DROP CONSTRAINT file_analyses_project_analysis_id_fkey,
    DROP CONSTRAINT file_analyses_superseded_by_fkey,
    ADD CONSTRAINT file_analyses_analysis_fkey FOREIGN KEY (project_id, project_analysis_id)
        REFERENCES agentforge.project_analyses (project_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT file_analyses_superseded_fkey FOREIGN KEY (project_id, superseded_by)
        REFERENCES agentforge.project_analyses (project_id, id) ON DELETE SET NULL (superseded_by);
DROP INDEX agentforge.file_analyses_analysis, agentforge.file_analyses_superseded;
CREATE INDEX file_analyses_analysis ON agentforge.file_analyses (project_analysis_id, project_id);
CREATE INDEX file_analyses_superseded ON agentforge.file_analyses (superseded_by, project_id)
    WHERE superseded_by IS NOT NULL;

ALTER TABLE agentforge.functions
    ADD CONSTRAINT functions_key UNIQUE (project_id, id),
    DROP CONSTRAINT functions_file_analysis_id_fkey,
    ADD CONSTRAINT functions_file_fkey FOREIGN KEY (project_id, file_analysis_id)
        REFERENCES agentforge.file_analyses (project_id, id) ON DELETE CASCADE,
    ADD COLUMN name_key text NOT NULL GENERATED ALWAYS AS (lower(function_name)) STORED;
DROP INDEX agentforge.functions_file, agentforge.functions_project, agentforge.functions_name;
CREATE INDEX functions_file ON agentforge.functions (file_analysis_id, project_id);
CREATE INDEX functions_name ON agentforge.functions (name_key);

ALTER TABLE agentforge.code_chunks
    ADD CONSTRAINT code_chunks_key UNIQUE (project_id, id),
    DROP CONSTRAINT code_chunks_file_analysis_id_fkey,
    ADD CONSTRAINT code_chunks_file_fkey FOREIGN KEY (project_id, file_analysis_id)
        REFERENCES agentforge.file_analyses (project_id, id) ON DELETE CASCADE;
DROP INDEX agentforge.code_chunks_file, agentforge.code_chunks_project;
CREATE INDEX code_chunks_file ON agentforge.code_chunks (file_analysis_id, project_id);

ALTER TABLE agentforge.function_embeddings
    DROP CONSTRAINT function_embeddings_function_id_fkey,
    ADD CONSTRAINT function_embeddings_function_fkey FOREIGN KEY (project_id, function_id)
        REFERENCES agentforge.functions (project_id, id) ON DELETE CASCADE;
DROP INDEX agentforge.function_embeddings_function;
CREATE INDEX function_embeddings_function ON agentforge.function_embeddings (function_id, project_id);

ALTER TABLE agentforge.code_embeddings
    DROP CONSTRAINT code_embeddings_chunk_id_fkey,
    ADD CONSTRAINT code_embeddings_chunk_fkey FOREIGN KEY (project_id, chunk_id)
        REFERENCES agentforge.code_chunks (project_id, id) ON DELETE CASCADE;
DROP INDEX agentforge.code_embeddings_chunk;
CREATE INDEX code_embeddings_chunk ON agentforge.code_embeddings (chunk_id, project_id);

ALTER TABLE agentforge.function_duplicates
    DROP CONSTRAINT function_duplicates_pkey,
    ADD PRIMARY KEY (project_id, function_id, other_function_id),
    DROP CONSTRAINT function_duplicates_function_id_fkey,
    DROP CONSTRAINT function_duplicates_other_function_id_fkey,
    ADD CONSTRAINT function_duplicates_function_fkey FOREIGN KEY (project_id, function_id)
        REFERENCES agentforge.functions (project_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT function_duplicates_other_fkey FOREIGN KEY (project_id, other_function_id)
        REFERENCES agentforge.functions (project_id, id) ON DELETE CASCADE;
DROP INDEX agentforge.function_duplicates_other;
CREATE INDEX function_duplicates_other ON agentforge.function_duplicates (other_function_id, project_id);

ALTER TABLE agentforge.code_violations
    DROP CONSTRAINT code_violations_file_analysis_id_fkey,
    DROP CONSTRAINT code_violations_introduced_by_fkey,
    DROP CONSTRAINT code_violations_reopened_by_fkey,
    DROP CONSTRAINT code_violations_resolved_by_fkey,
    ADD CONSTRAINT code_violations_file_fkey FOREIGN KEY (project_id, file_analysis_id)
        REFERENCES agentforge.file_analyses (project_id, id) ON DELETE SET NULL (file_analysis_id),
    ADD CONSTRAINT code_violations_introduced_fkey FOREIGN KEY (project_id, introduced_by)
        REFERENCES agentforge.project_analyses (project_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT code_violations_reopened_fkey FOREIGN KEY (project_id, reopened_by)
        REFERENCES agentforge.project_analyses (project_id, id) ON DELETE SET NULL (reopened_by),
    ADD CONSTRAINT code_violations_resolved_fkey FOREIGN KEY (project_id, resolved_by)
        REFERENCES agentforge.project_analyses (project_id, id) ON DELETE SET NULL (resolved_by);
DROP INDEX agentforge.code_violations_file, agentforge.code_violations_introduced, agentforge.code_violations_reopened,
    agentforge.code_violations_resolved;
CREATE INDEX code_violations_file ON agentforge.code_violations (file_analysis_id, project_id);
CREATE INDEX code_violations_introduced ON agentforge.code_violations (introduced_by, project_id);
CREATE INDEX code_violations_reopened ON agentforge.code_violations (reopened_by, project_id)
    WHERE reopened_by IS NOT NULL;
CREATE INDEX code_violations_resolved ON agentforge.code_violations (resolved_by, project_id)
    WHERE resolved_by IS NOT NULL;

-- A measurement of a project is the project's, so that who may not read it does not see how long its analyses take.
ALTER TABLE agentforge.performance_metrics
    ADD COLUMN project_id bigint REFERENCES agentforge.projects ON DELETE CASCADE;
CREATE INDEX performance_metrics_project ON agentforge.performance_metrics (project_id);
UPDATE agentforge.performance_metrics AS m
SET project_id = p.id, tags = m.tags - 'project_id'
FROM agentforge.projects AS p
WHERE p.id = (m.tags ->> 'project_id')::bigint;

DROP MATERIALIZED VIEW agentforge.weekly_performance_summary;
CREATE MATERIALIZED VIEW agentforge.weekly_performance_summary AS
SELECT date_trunc('week', recorded_at AT TIME ZONE 'UTC') AS week_start,
       coalesce(project_id, 0) AS project_id,  -- 0: of no project; a unique index does not hold NULLs together
       metric_name,
       avg(metric_value) AS avg_value,
       min(metric_value) AS min_value,
       max(metric_value) AS max_value,
       count(*) AS sample_count
FROM agentforge.performance_metrics
GROUP BY 1, 2, 3;
CREATE UNIQUE INDEX weekly_performance_summary_key
    ON agentforge.weekly_performance_summary (week_start, project_id, metric_name);
