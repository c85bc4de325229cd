-- challenge --
SELECT agentforge.login_challenge(%(username)s);

-- login --
SELECT outcome, user_id, expires_at, retry_after_seconds
FROM agentforge.login(%(username)s, %(proof)s, %(token_digest)s, %(lifetime)s, %(user_agent)s);

-- logout --
SELECT agentforge.logout(%(everywhere)s, %(user_agent)s);

-- whoami --
SELECT user_id, username, email, role, session_id, expires_at FROM agentforge.whoami();

-- sessions --
SELECT id, username, created_at, expires_at, host(ip_address), user_agent, is_current FROM agentforge.session_list();

-- revoke_session --
SELECT agentforge.revoke_session(%(id)s);

-- users --
SELECT id, username, email, role, is_active, can_log_in, failed_logins, created_at, last_login, sessions
FROM agentforge.user_list();

-- add --
SELECT agentforge.user_add(%(username)s, %(email)s, %(role)s, %(digest)s);

-- set_active --
SELECT agentforge.user_set_active(%(username)s, %(active)s);

-- set_role --
SELECT agentforge.user_set_role(%(username)s, %(role)s);

-- set_password --
SELECT outcome, retry_after_seconds FROM agentforge.user_set_password(%(username)s, %(digest)s, %(proof)s);

-- remove --
SELECT agentforge.user_remove(%(username)s);

-- grant --
SELECT agentforge.grant_permission(%(username)s, %(level)s, %(project)s);

-- revoke --
SELECT agentforge.revoke_permission(%(username)s, %(project)s, %(level)s);

-- permissions --
SELECT username, role, level, granted_by, granted_at FROM agentforge.permission_list(%(project)s);
