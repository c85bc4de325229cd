-- last_analysis --
-- The last completed analysis of the default branch, as far as anybody knows which one that is.
SELECT a.id, a.branch, a.commit, a.completed_at
FROM agentforge.projects AS p
JOIN agentforge.project_analyses AS a ON a.project_id = p.id AND a.branch = p.default_branch
WHERE p.id = %(project_id)s AND a.status = 'completed'
ORDER BY a.id DESC LIMIT 1;

-- new --
-- What is on a branch, not waived, and neither came from the default branch nor is there by now; on the default branch itself,
-- what its last analysis found to be new or reopened.
SELECT v.fingerprint
FROM agentforge.violations AS v
JOIN agentforge.projects AS p ON p.id = v.project_id
JOIN agentforge.project_analyses AS i ON i.project_id = v.project_id AND i.id = v.introduced_by
WHERE v.project_id = %(project_id)s AND v.branch = %(branch)s AND v.resolved_at IS NULL AND v.status <> 'waived' AND NOT v.imported
  AND CASE WHEN v.branch = p.default_branch OR p.default_branch IS NULL
          THEN %(analysis_id)s IN (v.introduced_by, v.reopened_by)
          ELSE i.branch = v.branch AND NOT EXISTS (
              SELECT FROM agentforge.code_violations AS d
              WHERE d.project_id = v.project_id AND d.branch = p.default_branch AND d.fingerprint = v.fingerprint
                AND d.resolved_at IS NULL)
      END;
