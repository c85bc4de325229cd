-- create_project --
-- Does nothing where the key is taken, also by a project that the caller may not see.
INSERT INTO agentforge.projects (key, name, repository_url, local_path)
VALUES (%(key)s, %(name)s, %(repository_url)s, %(local_path)s)
ON CONFLICT DO NOTHING;

-- find_project --
SELECT id, agentforge.writes_everything() OR id = ANY (agentforge.writable_projects()) AS writable
FROM agentforge.projects WHERE key = %(key)s;

-- update_project --
-- Its name and places follow the latest analysis.
UPDATE agentforge.projects AS p
SET name = %(name)s, repository_url = %(repository_url)s, local_path = %(local_path)s
WHERE id = %(project_id)s
  AND (p.name, p.repository_url, p.local_path)
      IS DISTINCT FROM (%(name)s::text, %(repository_url)s::text, %(local_path)s::text);

-- set_default_branch --
-- What git says is kept over what was guessed; a guess fills a gap.
UPDATE agentforge.projects SET default_branch = %(name)s
WHERE id = %(project_id)s AND default_branch IS DISTINCT FROM %(name)s AND (%(certain)s OR default_branch IS NULL);

-- ensure_model --
SELECT agentforge.ensure_embedding_model(%(name)s, %(version)s, %(dimension)s, %(channels)s::integer[]);

-- try_lock --
-- Held by the session, so that the end of a killed client frees it. The first number keeps clear of others' locks.
SELECT pg_try_advisory_lock(1095124047, %(project_id)s::integer);

-- unlock --
SELECT pg_advisory_unlock(1095124047, %(project_id)s::integer);

-- fail_stale --
-- Whoever holds the lock knows that no other run of the project is alive.
UPDATE agentforge.project_analyses
SET status = 'failed', completed_at = now(), error_message = 'the process ended before it could say why'
WHERE project_id = %(project_id)s AND status = 'running';

-- begin --
INSERT INTO agentforge.project_analyses
    (project_id, analysis_type, branch, commit, engine_version, model_id, scopes)
VALUES (%(project_id)s, %(analysis_type)s, %(branch)s, %(commit)s, %(engine_version)s, %(model_id)s, %(scopes)s)
RETURNING id, started_at;

-- previous --
SELECT id, commit FROM agentforge.project_analyses
WHERE project_id = %(project_id)s AND branch = %(branch)s AND status = 'completed'
ORDER BY id DESC LIMIT 1;

-- current_files --
SELECT file_path, content_hash, engine_version, model_id FROM agentforge.file_analyses
WHERE project_id = %(project_id)s AND branch = %(branch)s AND superseded_by IS NULL;

-- finish --
-- With the totals, the functions of each language that the branch has now: a search chooses its way by them.
UPDATE agentforge.project_analyses AS a
SET status = %(status)s, completed_at = now(), error_message = %(error_message)s,
    results = %(results)s || jsonb_build_object('functions', coalesce((
        SELECT jsonb_object_agg(counted.file_type, counted.functions) FROM (
            SELECT f.file_type, sum(f.function_count) AS functions FROM agentforge.file_analyses AS f
            WHERE f.project_id = a.project_id AND f.branch = a.branch AND f.superseded_by IS NULL AND f.function_count > 0
              AND f.file_type IS NOT NULL
            GROUP BY f.file_type
        ) AS counted
    ), '{}'))
WHERE a.id = %(analysis_id)s AND a.status = 'running'
RETURNING a.completed_at;

-- touch_project --
UPDATE agentforge.projects SET last_analyzed_at = now() WHERE id = %(project_id)s;

-- record_phase --
INSERT INTO agentforge.performance_metrics (project_id, metric_name, metric_value, metric_unit, tags)
VALUES (%(project_id)s, %(name)s, %(value)s, %(unit)s, %(tags)s);
