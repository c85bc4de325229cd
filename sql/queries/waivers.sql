-- expire --
-- Violations of a branch whose waiver by a person was ended or has run out. Their files want other scores.
UPDATE agentforge.code_violations AS v
SET status = 'reopened', reopened_by = %(analysis_id)s, waiver_kind = NULL, waived_by = NULL
FROM agentforge.violation_waivers AS w
WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.resolved_at IS NULL AND v.waiver_kind = 'stored'
  AND w.project_id = v.project_id AND w.id = v.waiver_id
  AND NOT (w.ended_at IS NULL AND agentforge.waiver_holds(w.until))
RETURNING v.file_analysis_id;

-- apply --
-- A person's waiver holds for the violation on every branch, and when it comes back.
UPDATE agentforge.code_violations AS v
SET status = 'waived', waiver_kind = 'stored', waiver_id = held.id, waived_by = %(analysis_id)s
FROM (
    SELECT DISTINCT ON (other.fingerprint) other.fingerprint, w.id
    FROM agentforge.code_violations AS other
    JOIN agentforge.violation_waivers AS w ON w.project_id = other.project_id AND w.id = other.waiver_id
    WHERE other.project_id = %(project_id)s AND other.waiver_id IS NOT NULL
      AND w.ended_at IS NULL AND agentforge.waiver_holds(w.until)
    ORDER BY other.fingerprint, w.id DESC
) AS held
WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.fingerprint = held.fingerprint
  AND v.resolved_at IS NULL AND v.status <> 'waived'
RETURNING v.file_analysis_id;

-- waived_files --
-- Files that an analysis wrote, with violations waived by a person: of these the workers that scored them knew nothing.
SELECT DISTINCT f.id
FROM agentforge.file_analyses AS f
JOIN agentforge.code_violations AS v ON v.project_id = f.project_id AND v.file_analysis_id = f.id
WHERE f.project_id = %(project_id)s AND f.project_analysis_id = %(analysis_id)s
  AND v.waiver_kind = 'stored' AND v.resolved_at IS NULL;

-- to_score --
-- What the scores of some files are made of: a row a violation that counts, and one without for a file that has none.
SELECT f.id, f.parse_error IS NOT NULL, f.error_share, v.category, v.severity, v.confidence
FROM agentforge.file_analyses AS f
LEFT JOIN agentforge.violations AS v
    ON v.project_id = f.project_id AND v.file_analysis_id = f.id AND v.resolved_at IS NULL AND v.status <> 'waived'
    AND NOT v.imported
WHERE f.id = ANY (%(files)s) AND f.superseded_by IS NULL;

-- score --
UPDATE agentforge.file_analyses SET quality_score = %(quality)s, security_score = %(security)s
WHERE id = %(file_id)s AND (quality_score, security_score) IS DISTINCT FROM (%(quality)s, %(security)s);

-- add --
INSERT INTO agentforge.violation_waivers (project_id, rule_id, file_path, fingerprint, reason, until)
VALUES (%(project_id)s, %(rule_id)s, %(file_path)s, %(fingerprint)s, %(reason)s, %(until)s)
RETURNING id;

-- waive --
-- A violation on every branch where it is; a comment that waives it there goes on doing so.
UPDATE agentforge.code_violations
SET status = CASE WHEN resolved_at IS NULL THEN 'waived' ELSE status END,
    waiver_kind = CASE WHEN resolved_at IS NULL THEN coalesce(nullif(waiver_kind, 'stored'), 'stored') END,
    waiver_id = %(waiver_id)s, waived_by = CASE WHEN waiver_kind IN ('inline', 'tool') THEN waived_by END
WHERE project_id = %(project_id)s AND fingerprint = %(fingerprint)s
RETURNING branch, file_analysis_id, resolved_at IS NULL;

-- end_waivers --
-- The waivers by people that a violation has, on whichever branch.
UPDATE agentforge.violation_waivers AS w SET ended_at = now()
WHERE w.project_id = %(project_id)s AND w.ended_at IS NULL AND w.id IN (
    SELECT v.waiver_id FROM agentforge.code_violations AS v
    WHERE v.project_id = %(project_id)s AND v.fingerprint = %(fingerprint)s AND v.waiver_id IS NOT NULL
)
RETURNING w.id;

-- unwaive --
-- Every violation that these waived, under whatever fingerprint it has by now.
UPDATE agentforge.code_violations AS v
SET status = 'reopened', waiver_kind = NULL, waived_by = NULL
WHERE v.project_id = %(project_id)s AND v.waiver_id = ANY (%(waiver_ids)s) AND v.waiver_kind = 'stored'
RETURNING v.branch, v.file_analysis_id;
