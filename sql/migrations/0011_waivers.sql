-- Waivers: who accepts a violation, why, and until when. What became of a violation over its life. The default branch of a
-- project, with which its other branches are compared.

ALTER TABLE agentforge.projects ADD COLUMN default_branch text CHECK (default_branch <> '');
GRANT INSERT (default_branch), UPDATE (default_branch) ON agentforge.projects TO agentforge_app;

-- The name of the user whose token the session presents, NULL for nobody.
CREATE FUNCTION agentforge.current_username() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.username FROM agentforge.users AS u WHERE u.id = agentforge.current_user_id()
$$;
GRANT EXECUTE ON FUNCTION agentforge.current_username() TO agentforge_app;

-- Whether a waiver that holds to the end of a day, or for ever, still does. Days are those of UTC.
CREATE FUNCTION agentforge.waiver_holds(until date) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN until IS NULL OR until >= (now() AT TIME ZONE 'UTC')::date;
GRANT EXECUTE ON FUNCTION agentforge.waiver_holds(date) TO agentforge_app;

-- What a person decided about a violation, on every branch of the project where it is. It is never changed but to be ended,
-- and stays as a record. Names are those of the time: not everybody who may read the project may look up users.
CREATE TABLE agentforge.violation_waivers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    rule_id text NOT NULL,
    file_path text NOT NULL,
    fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    reason text NOT NULL CHECK (reason ~ '\S'),
    until date,
    created_by bigint DEFAULT agentforge.current_user_id() REFERENCES agentforge.users ON DELETE SET NULL,
    created_by_name text NOT NULL DEFAULT coalesce(agentforge.current_username(), ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_by bigint REFERENCES agentforge.users ON DELETE SET NULL,
    ended_by_name text,
    ended_at timestamptz,
    CONSTRAINT violation_waivers_key UNIQUE (project_id, id),
    CHECK ((ended_at IS NULL) = (ended_by_name IS NULL)),
    CHECK (ended_at IS NOT NULL OR ended_by IS NULL)
);
CREATE INDEX violation_waivers_created_by ON agentforge.violation_waivers (created_by);
CREATE INDEX violation_waivers_ended_by ON agentforge.violation_waivers (ended_by) WHERE ended_by IS NOT NULL;

-- Whoever ends a waiver is the one who asks, now, and it does not begin again.
CREATE FUNCTION agentforge.end_waiver() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL THEN
        NEW.ended_at := OLD.ended_at;
    ELSIF NEW.ended_at IS NOT NULL THEN
        NEW.ended_at := now();
        NEW.ended_by := agentforge.current_user_id();
        NEW.ended_by_name := coalesce(agentforge.current_username(), '');
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER violation_waivers_end BEFORE UPDATE OF ended_at ON agentforge.violation_waivers
    FOR EACH ROW EXECUTE FUNCTION agentforge.end_waiver();

-- A violation is waived by a comment in the source (inline), by what another tool says (tool), or by a person (stored).
-- `waiver_id` is the last decision of a person about it, whether it holds or not, so that one that comes back is waived again.
-- `waived_by` is the analysis that found it waived, NULL where a person did.
ALTER TABLE agentforge.code_violations
    ADD CONSTRAINT code_violations_key UNIQUE (project_id, id),
    ADD COLUMN waiver_kind text CHECK (waiver_kind IN ('inline', 'stored', 'tool')),
    ADD COLUMN waiver_reason text,
    ADD COLUMN waiver_id bigint,
    ADD COLUMN waived_by bigint,
    ADD CONSTRAINT code_violations_waiver_fkey FOREIGN KEY (project_id, waiver_id)
        REFERENCES agentforge.violation_waivers (project_id, id),
    ADD CONSTRAINT code_violations_waived_fkey FOREIGN KEY (project_id, waived_by)
        REFERENCES agentforge.project_analyses (project_id, id) ON DELETE SET NULL (waived_by);
-- Nothing of ours waived any before; somebody may have, in SQL.
INSERT INTO agentforge.violation_waivers (project_id, rule_id, file_path, fingerprint, reason, created_by_name)
SELECT project_id, rule_id, file_path, fingerprint, 'waived before reasons were kept', ''
FROM agentforge.code_violations WHERE status = 'waived';
UPDATE agentforge.code_violations AS v SET waiver_kind = 'stored', waiver_id = w.id
FROM agentforge.violation_waivers AS w
WHERE v.status = 'waived' AND w.project_id = v.project_id AND w.fingerprint = v.fingerprint;
ALTER TABLE agentforge.code_violations
    ADD CONSTRAINT code_violations_waived CHECK ((status = 'waived') = (waiver_kind IS NOT NULL)),
    ADD CONSTRAINT code_violations_waiver CHECK (CASE waiver_kind
        WHEN 'stored' THEN waiver_id IS NOT NULL AND waiver_reason IS NULL
        WHEN 'inline' THEN waiver_reason IS NOT NULL
        WHEN 'tool' THEN waiver_reason IS NOT NULL
        ELSE waiver_reason IS NULL END),
    ADD CONSTRAINT code_violations_waived_by CHECK (waived_by IS NULL OR status = 'waived');
CREATE INDEX code_violations_waiver ON agentforge.code_violations (waiver_id, project_id) WHERE waiver_id IS NOT NULL;
CREATE INDEX code_violations_waived_fingerprint ON agentforge.code_violations (project_id, fingerprint)
    WHERE waiver_id IS NOT NULL;
CREATE INDEX code_violations_waived ON agentforge.code_violations (waived_by, project_id) WHERE waived_by IS NOT NULL;
CREATE INDEX code_violations_fingerprint ON agentforge.code_violations (fingerprint COLLATE "C");

-- What became of a violation after it was found: a row for each change of its status, of its waiver, and of its place. How it
-- began is in its own row (introduced_by, created_at). Triggers write it, and nobody else.
CREATE TABLE agentforge.violation_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES agentforge.projects ON DELETE CASCADE,
    violation_id bigint NOT NULL,
    event text NOT NULL CHECK (event IN ('fixed', 'reopened', 'waived', 'moved')),
    analysis_id bigint,
    waiver_id bigint,
    detail text NOT NULL DEFAULT '',
    user_id bigint REFERENCES agentforge.users ON DELETE SET NULL,
    username text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (project_id, violation_id)
        REFERENCES agentforge.code_violations (project_id, id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, analysis_id)
        REFERENCES agentforge.project_analyses (project_id, id) ON DELETE SET NULL (analysis_id),
    FOREIGN KEY (project_id, waiver_id)
        REFERENCES agentforge.violation_waivers (project_id, id) ON DELETE SET NULL (waiver_id)
);
CREATE INDEX violation_events_violation ON agentforge.violation_events (project_id, violation_id);
CREATE INDEX violation_events_analysis ON agentforge.violation_events (analysis_id, project_id) WHERE analysis_id IS NOT NULL;
CREATE INDEX violation_events_waiver ON agentforge.violation_events (waiver_id, project_id) WHERE waiver_id IS NOT NULL;
CREATE INDEX violation_events_user ON agentforge.violation_events (user_id);

-- `detail` is the reason of a waiver in the source, or the path where a moved violation was. The statement is dynamic, so that
-- it is planned for the rows that there are: a plan made for two would join thousands by loops.
CREATE FUNCTION agentforge.record_violation_events() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO agentforge.violation_events
            (project_id, violation_id, event, analysis_id, waiver_id, detail, user_id, username)
        SELECT n.project_id, n.id, 'waived', n.waived_by, CASE n.waiver_kind WHEN 'stored' THEN n.waiver_id END,
               coalesce(n.waiver_reason, ''), agentforge.current_user_id(), coalesce(agentforge.current_username(), '')
        FROM new_rows AS n WHERE n.status = 'waived';
        RETURN NULL;
    END IF;
    EXECUTE $events$
        WITH changed AS (
            SELECT n.*, o.file_path AS old_path, o.reopened_by AS old_reopened_by,
                   n.status <> o.status OR n.status = 'waived' AND (n.waiver_kind, n.waiver_reason) IS DISTINCT FROM
                       (o.waiver_kind, o.waiver_reason) OR n.waiver_kind = 'stored' AND n.waiver_id <> o.waiver_id AS has_turned
            FROM old_rows AS o JOIN new_rows AS n USING (id)
            WHERE (n.status, n.waiver_kind, n.waiver_reason, n.waiver_id, n.file_path)
                  IS DISTINCT FROM (o.status, o.waiver_kind, o.waiver_reason, o.waiver_id, o.file_path)
        ), events AS (
            SELECT c.project_id, c.id, 'moved' AS event, f.project_analysis_id AS analysis_id, NULL::bigint AS waiver_id,
                   c.old_path AS detail
            FROM changed AS c LEFT JOIN agentforge.file_analyses AS f ON f.id = c.file_analysis_id
            WHERE c.file_path <> c.old_path
            UNION ALL
            SELECT c.project_id, c.id, CASE c.status WHEN 'open' THEN 'reopened' ELSE c.status END,
                   CASE c.status WHEN 'fixed' THEN c.resolved_by WHEN 'waived' THEN c.waived_by
                        ELSE nullif(c.reopened_by, c.old_reopened_by) END,
                   CASE c.waiver_kind WHEN 'stored' THEN c.waiver_id END, coalesce(c.waiver_reason, '')
            FROM changed AS c
            WHERE c.has_turned
        )
        INSERT INTO agentforge.violation_events
            (project_id, violation_id, event, analysis_id, waiver_id, detail, user_id, username)
        SELECT e.*, agentforge.current_user_id(), coalesce(agentforge.current_username(), '') FROM events AS e
    $events$;
    RETURN NULL;
END
$$;
CREATE TRIGGER violation_events_insert AFTER INSERT ON agentforge.code_violations
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION agentforge.record_violation_events();
CREATE TRIGGER violation_events_update AFTER UPDATE ON agentforge.code_violations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION agentforge.record_violation_events();

-- Who may write a project may waive in it; nobody removes or rewrites what was decided or what happened.
DO $$
DECLARE
    scoped text;
BEGIN
    FOREACH scoped IN ARRAY ARRAY['violation_waivers', 'violation_events'] LOOP
        EXECUTE format('ALTER TABLE agentforge.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', scoped);
        EXECUTE format(
            'CREATE POLICY %1$I_owner ON agentforge.%1$I TO agentforge_owner USING (true) WITH CHECK (true)', scoped);
        EXECUTE format(
            'CREATE POLICY %1$I_read ON agentforge.%1$I FOR SELECT TO agentforge_app USING ('
            '(SELECT agentforge.reads_everything()) '
            'OR project_id = ANY ((SELECT agentforge.readable_projects())::bigint[]))', scoped);
        EXECUTE format('GRANT SELECT ON agentforge.%I TO agentforge_app', scoped);
    END LOOP;
END
$$;
CREATE POLICY violation_waivers_insert ON agentforge.violation_waivers FOR INSERT TO agentforge_app WITH CHECK (
    (SELECT agentforge.writes_everything()) OR project_id = ANY ((SELECT agentforge.writable_projects())::bigint[]));
CREATE POLICY violation_waivers_update ON agentforge.violation_waivers FOR UPDATE TO agentforge_app USING (
    (SELECT agentforge.writes_everything()) OR project_id = ANY ((SELECT agentforge.writable_projects())::bigint[]));
GRANT INSERT (project_id, rule_id, file_path, fingerprint, reason, until), UPDATE (ended_at)
    ON agentforge.violation_waivers TO agentforge_app;

-- Violations as they stand at this moment: a waiver that has run out waives nothing, whenever the next analysis comes.
CREATE VIEW agentforge.violations WITH (security_invoker = true) AS
SELECT v.id, v.project_id, v.file_analysis_id, v.branch, v.file_path, v.rule_id, v.rule_name, v.category, v.severity,
       v.confidence, v.cwe, v.line_number, v.column_number, v.end_line, v.end_column, v.message, v.suggestion, v.function_name,
       v.line_hash, v.fingerprint,
       CASE WHEN v.waiver_kind = 'stored' AND NOT agentforge.waiver_holds(w.until) THEN 'open' ELSE v.status END AS status,
       v.introduced_by, v.reopened_by, v.resolved_by, v.waived_by, v.created_at, v.resolved_at, v.waiver_kind,
       coalesce(v.waiver_reason, w.reason) AS waiver_reason, v.waiver_id,
       w.created_by_name AS waiver_username, w.created_at AS waiver_created_at, w.until AS waiver_until
FROM agentforge.code_violations AS v
LEFT JOIN agentforge.violation_waivers AS w
    ON v.waiver_kind = 'stored' AND w.id = v.waiver_id AND w.project_id = v.project_id;
GRANT SELECT ON agentforge.violations TO agentforge_app;

SELECT agentforge.audit_table('agentforge.violation_waivers', 'row',
    '{project_id,rule_id,file_path,fingerprint,reason,until,created_by,created_by_name,created_at,ended_by,ended_by_name,ended_at}');
SELECT agentforge.audit_table('agentforge.violation_events');
SELECT agentforge.audit_table('agentforge.projects', 'row',
    '{key,name,description,local_path,default_branch,status,created_by,created_at,last_analyzed_at}');
SELECT agentforge.audit_waivers(
    '{project_id,branch,file_path,rule_id,category,severity,line_number,fingerprint,status,resolved_by,resolved_at,waiver_kind,
      waiver_reason,waiver_id,waived_by}');
