-- What an analysis writes: projects, analyses, file versions, functions and their vectors, violations, measurements.

CREATE SCHEMA IF NOT EXISTS agentforge;
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE agentforge.projects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE CHECK (key <> ''),
    name text NOT NULL CHECK (name <> ''),
    description text,
    repository_url text,
    local_path text,
    technology_stack jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    last_analyzed_at timestamptz,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
    metadata jsonb NOT NULL DEFAULT '{}'
);

CREATE FUNCTION agentforge.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER projects_updated_at BEFORE UPDATE ON agentforge.projects
    FOR EACH ROW EXECUTE FUNCTION agentforge.set_updated_at();

-- Model of the vectors. Two vectors may be compared only if they are of one model.
CREATE TABLE agentforge.embedding_models (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    version text NOT NULL,
    dimension integer NOT NULL CHECK (dimension BETWEEN 1 AND 4000),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (name, version)
);

CREATE TABLE agentforge.project_analyses (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    analysis_type text NOT NULL DEFAULT 'full' CHECK (analysis_type IN ('full', 'partial')),
    branch text NOT NULL,
    commit text,
    engine_version text NOT NULL,
    model_id integer REFERENCES agentforge.embedding_models,
    scopes text[] NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    results jsonb,
    error_message text,
    CHECK ((status = 'running') = (completed_at IS NULL))
);
CREATE INDEX project_analyses_project ON agentforge.project_analyses (project_id, branch, id DESC);
CREATE INDEX project_analyses_latest ON agentforge.project_analyses (project_id, id DESC) WHERE status = 'completed';
CREATE INDEX project_analyses_model ON agentforge.project_analyses (model_id);

-- One version of one file: introduced by one analysis, closed by the one in which it changed or went.
CREATE TABLE agentforge.file_analyses (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    project_analysis_id bigint NOT NULL REFERENCES agentforge.project_analyses ON DELETE CASCADE,
    superseded_by bigint REFERENCES agentforge.project_analyses ON DELETE SET NULL,
    branch text NOT NULL,
    file_path text NOT NULL,
    previous_path text,
    file_type text,
    content_hash text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    engine_version text NOT NULL,
    file_size bigint NOT NULL CHECK (file_size >= 0),
    physical_lines integer NOT NULL CHECK (physical_lines >= 0),
    lines_of_code integer NOT NULL CHECK (lines_of_code >= 0),
    comment_lines integer NOT NULL CHECK (comment_lines >= 0),
    blank_lines integer NOT NULL CHECK (blank_lines >= 0),
    function_count integer NOT NULL CHECK (function_count >= 0),
    class_count integer NOT NULL CHECK (class_count >= 0),
    complexity_score double precision NOT NULL CHECK (complexity_score BETWEEN 0 AND 100),
    quality_score double precision NOT NULL CHECK (quality_score BETWEEN 0 AND 100),
    security_score double precision NOT NULL CHECK (security_score BETWEEN 0 AND 100),
    maintainability_index double precision CHECK (maintainability_index BETWEEN 0 AND 100),
    parse_error text,
    error_share double precision NOT NULL DEFAULT 0 CHECK (error_share BETWEEN 0 AND 1),
    is_test boolean NOT NULL DEFAULT false,
    model_id integer NOT NULL REFERENCES agentforge.embedding_models,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX file_analyses_current ON agentforge.file_analyses (project_id, branch, file_path)
    WHERE superseded_by IS NULL;
CREATE INDEX file_analyses_analysis ON agentforge.file_analyses (project_analysis_id);
CREATE INDEX file_analyses_superseded ON agentforge.file_analyses (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX file_analyses_model ON agentforge.file_analyses (model_id);
CREATE INDEX file_analyses_project_quality ON agentforge.file_analyses (project_id, quality_score DESC);

-- Functions of the current versions only; metrics and violations keep their history in the tables above and below.
CREATE TABLE agentforge.functions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    file_analysis_id bigint NOT NULL REFERENCES agentforge.file_analyses ON DELETE CASCADE,
    function_name text NOT NULL,
    qualified_name text NOT NULL,
    function_signature text NOT NULL,
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
    halstead_volume double precision NOT NULL,
    halstead_difficulty double precision NOT NULL,
    halstead_effort double precision NOT NULL,
    maintainability_index double precision NOT NULL CHECK (maintainability_index BETWEEN 0 AND 100),
    code_hash text NOT NULL,
    code text NOT NULL
);
CREATE INDEX functions_file ON agentforge.functions (file_analysis_id);
CREATE INDEX functions_project ON agentforge.functions (project_id);
CREATE INDEX functions_name ON agentforge.functions (lower(function_name));
CREATE INDEX functions_code_hash ON agentforge.functions (code_hash);

-- Code outside functions (module level, heads of classes), of the current versions only.
CREATE TABLE agentforge.code_chunks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    file_analysis_id bigint NOT NULL REFERENCES agentforge.file_analyses ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('module', 'class')),
    name text NOT NULL,
    start_line integer NOT NULL CHECK (start_line >= 1),
    end_line integer NOT NULL CHECK (end_line >= start_line),
    code_hash text NOT NULL,
    code text NOT NULL
);
CREATE INDEX code_chunks_file ON agentforge.code_chunks (file_analysis_id);
CREATE INDEX code_chunks_project ON agentforge.code_chunks (project_id);
CREATE INDEX code_chunks_code_hash ON agentforge.code_chunks (code_hash);

-- Narrow, so that no row is TOASTed, and a partition a model, so that vectors of two models never meet.
CREATE TABLE agentforge.function_embeddings (
    function_id bigint NOT NULL REFERENCES agentforge.functions ON DELETE CASCADE,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    model_id integer NOT NULL REFERENCES agentforge.embedding_models,
    embedding halfvec NOT NULL,
    PRIMARY KEY (model_id, function_id)
) PARTITION BY LIST (model_id);
CREATE INDEX function_embeddings_function ON agentforge.function_embeddings (function_id);
CREATE INDEX function_embeddings_project ON agentforge.function_embeddings (project_id);

CREATE TABLE agentforge.code_embeddings (
    chunk_id bigint NOT NULL REFERENCES agentforge.code_chunks ON DELETE CASCADE,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    model_id integer NOT NULL REFERENCES agentforge.embedding_models,
    embedding halfvec NOT NULL,
    PRIMARY KEY (model_id, chunk_id)
) PARTITION BY LIST (model_id);
CREATE INDEX code_embeddings_chunk ON agentforge.code_embeddings (chunk_id);
CREATE INDEX code_embeddings_project ON agentforge.code_embeddings (project_id);

-- The id of a model; its partitions, which hold vectors of its dimension only, are made with it.
CREATE FUNCTION agentforge.ensure_embedding_model(model_name text, model_version text, model_dimension integer)
    RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    model integer;
    parent text;
BEGIN
    INSERT INTO agentforge.embedding_models (name, version, dimension)
    VALUES (model_name, model_version, model_dimension)
    ON CONFLICT DO NOTHING
    RETURNING id INTO model;
    IF model IS NULL THEN
        SELECT id INTO STRICT model FROM agentforge.embedding_models
        WHERE name = model_name AND version = model_version;
        RETURN model;
    END IF;
    FOREACH parent IN ARRAY ARRAY['function_embeddings', 'code_embeddings'] LOOP
        EXECUTE format(
            'CREATE TABLE agentforge.%I PARTITION OF agentforge.%I (CHECK (vector_dims(embedding) = %s)) FOR VALUES IN (%s)',
            parent || '_' || model, parent, model_dimension, model
        );
    END LOOP;
    RETURN model;
END
$$;

-- An approximate index over the vectors of a model. docs/adr/0001-exact-search.md says from how many rows it pays.
CREATE FUNCTION agentforge.ensure_vector_index(model integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    width integer;
BEGIN
    SELECT dimension INTO STRICT width FROM agentforge.embedding_models WHERE id = model;
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON agentforge.%I USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops)',
        'function_embeddings_' || model || '_hnsw', 'function_embeddings_' || model, width
    );
END
$$;

-- Pairs of functions of one project that are nearly the same code; a pair goes with either of its functions.
CREATE TABLE agentforge.function_duplicates (
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    function_id bigint NOT NULL REFERENCES agentforge.functions ON DELETE CASCADE,
    other_function_id bigint NOT NULL REFERENCES agentforge.functions ON DELETE CASCADE,
    score double precision NOT NULL CHECK (score BETWEEN -1 AND 1),
    PRIMARY KEY (function_id, other_function_id),
    CHECK (function_id <> other_function_id)
);
CREATE INDEX function_duplicates_other ON agentforge.function_duplicates (other_function_id);
CREATE INDEX function_duplicates_project ON agentforge.function_duplicates (project_id, score DESC);

-- A violation over its life. One found for the first time is `open`; it is new in the analysis that introduced it.
CREATE TABLE agentforge.code_violations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    file_analysis_id bigint REFERENCES agentforge.file_analyses ON DELETE SET NULL,
    branch text NOT NULL,
    file_path text NOT NULL,
    rule_id text NOT NULL,
    rule_name text NOT NULL,
    category text NOT NULL CHECK (category IN ('quality', 'security', 'reliability', 'performance')),
    severity text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
    confidence text NOT NULL CHECK (confidence IN ('high', 'medium', 'low', 'undefined')),
    cwe integer CHECK (cwe > 0),
    line_number integer NOT NULL CHECK (line_number >= 1),
    column_number integer NOT NULL CHECK (column_number >= 0),
    end_line integer NOT NULL,
    end_column integer NOT NULL,
    message text NOT NULL,
    suggestion text NOT NULL,
    function_name text NOT NULL,
    line_hash text NOT NULL,
    fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'fixed', 'reopened', 'waived')),
    introduced_by bigint NOT NULL REFERENCES agentforge.project_analyses ON DELETE CASCADE,
    reopened_by bigint REFERENCES agentforge.project_analyses ON DELETE SET NULL,
    resolved_by bigint REFERENCES agentforge.project_analyses ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    CHECK ((status = 'fixed') = (resolved_at IS NOT NULL))
);
CREATE INDEX code_violations_file ON agentforge.code_violations (file_analysis_id);
CREATE INDEX code_violations_introduced ON agentforge.code_violations (introduced_by);
CREATE INDEX code_violations_reopened ON agentforge.code_violations (reopened_by) WHERE reopened_by IS NOT NULL;
CREATE UNIQUE INDEX code_violations_unresolved_fingerprint
    ON agentforge.code_violations (project_id, branch, fingerprint) WHERE resolved_at IS NULL;
CREATE INDEX code_violations_resolved_fingerprint
    ON agentforge.code_violations (project_id, branch, fingerprint) WHERE resolved_at IS NOT NULL;
CREATE INDEX code_violations_path ON agentforge.code_violations (project_id, branch, file_path)
    WHERE resolved_at IS NULL;
CREATE INDEX code_violations_resolved ON agentforge.code_violations (resolved_by) WHERE resolved_by IS NOT NULL;
CREATE INDEX code_violations_open ON agentforge.code_violations (project_id, branch, severity)
    WHERE resolved_at IS NULL;

CREATE TABLE agentforge.performance_metrics (
    id bigint GENERATED ALWAYS AS IDENTITY,
    metric_name text NOT NULL,
    metric_value double precision NOT NULL,
    metric_unit text,
    tags jsonb NOT NULL DEFAULT '{}',
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE TABLE agentforge.performance_metrics_default PARTITION OF agentforge.performance_metrics DEFAULT;
CREATE INDEX performance_metrics_name_time ON agentforge.performance_metrics (metric_name, recorded_at DESC);
CREATE INDEX performance_metrics_tags ON agentforge.performance_metrics USING gin (tags);
