-- entries --
-- The trail, newest first, as far as the caller may see it. A user or a project that is gone is found by the name that it had
-- when it came or went; a user, by the role in the database, too.
SELECT a.id, a.created_at, u.username, a.user_id, a.database_user, a.action, a.resource_type, a.resource_id, p.name,
       a.project_id, a.row_count, a.old_values, a.new_values, a.request_id, host(a.ip_address), a.user_agent
FROM agentforge.audit_logs AS a
LEFT JOIN agentforge.users AS u ON u.id = a.user_id
LEFT JOIN agentforge.projects AS p ON p.id = a.project_id
WHERE (%(user)s::text IS NULL OR a.database_user = %(user)s OR a.user_id IN (
          SELECT id FROM agentforge.users WHERE username = %(user)s
          UNION SELECT resource_id FROM agentforge.audit_logs
          WHERE resource_type = 'users' AND %(user)s IN (old_values ->> 'username', new_values ->> 'username')))
  AND (%(project)s::text IS NULL OR a.project_id IN (
          SELECT id FROM agentforge.projects WHERE %(project)s IN (name, key)
          UNION SELECT resource_id FROM agentforge.audit_logs
          WHERE resource_type = 'projects'
            AND %(project)s IN (old_values ->> 'name', old_values ->> 'key', new_values ->> 'name', new_values ->> 'key')))
  AND (%(resource)s::text IS NULL OR a.resource_type = %(resource)s)
  AND (%(resource_id)s::bigint IS NULL OR a.resource_id = %(resource_id)s)
  AND (%(action)s::text IS NULL OR a.action = %(action)s)
  AND (%(since)s::timestamptz IS NULL OR a.created_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR a.created_at < %(until)s)
ORDER BY a.created_at DESC, a.id DESC
LIMIT %(limit)s;
