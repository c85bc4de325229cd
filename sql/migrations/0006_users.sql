-- Users and permissions: functions that the application may call, each of which checks who asks. Errors are sentences for
-- people.

-- users ---------------------------------------------------------------------------------------------------------------

-- The caller's id, where he is an admin. Whoever comes next waits: two admins must not remove each other at the same time.
CREATE FUNCTION agentforge.require_admin() RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me bigint := agentforge.require_user();
BEGIN
    IF agentforge.current_user_role() IS DISTINCT FROM 'admin' THEN
        RAISE EXCEPTION 'Only an admin may do that.' USING ERRCODE = '42501', HINT = 'Ask an admin to do it for you.';
    END IF;
    PERFORM FROM agentforge.login_secret FOR UPDATE;
    IF agentforge.current_user_role() IS DISTINCT FROM 'admin' THEN  -- not any more
        RAISE EXCEPTION 'Only an admin may do that.' USING ERRCODE = '42501', HINT = 'Ask an admin to do it for you.';
    END IF;
    RETURN me;
END
$$;

CREATE FUNCTION agentforge.require_digest(digest text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (digest ~ '^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$') IS NOT TRUE THEN
        RAISE EXCEPTION 'That is not the digest of a password.' USING ERRCODE = '22023';
    END IF;
END
$$;

-- A user that may be changed by the caller, an admin.
CREATE FUNCTION agentforge.user_to_change(wanted text) RETURNS agentforge.users
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target agentforge.users;
BEGIN
    SELECT * INTO target FROM agentforge.users AS u WHERE u.username = wanted;
    IF target.id IS NULL THEN
        RAISE EXCEPTION 'There is no user %.', wanted
            USING ERRCODE = 'P0002', HINT = 'List them with `agentforge user list`.';
    ELSIF target.username = 'local' THEN
        RAISE EXCEPTION 'The user local is whoever owns the database: it cannot be changed.' USING ERRCODE = '42501';
    END IF;
    RETURN target;
END
$$;

-- Refuse what would leave nobody who can log in and manage users. An operator may: he can make another admin.
CREATE FUNCTION agentforge.spare_last_admin(target agentforge.users) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF target.role = 'admin' AND target.is_active AND target.password_digest IS NOT NULL
       AND NOT EXISTS (SELECT FROM agentforge.users AS u WHERE u.id = agentforge.current_user_id() AND u.username = 'local')
       AND NOT EXISTS (
           SELECT FROM agentforge.users AS u
           WHERE u.role = 'admin' AND u.is_active AND u.password_digest IS NOT NULL AND u.id <> target.id)
    THEN
        RAISE EXCEPTION '% is the last admin who can log in.', target.username
            USING ERRCODE = '42501', HINT = 'Make somebody else an admin first.';
    END IF;
END
$$;

CREATE FUNCTION agentforge.user_add(username text, email text, role text, password_digest text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
    made bigint;
BEGIN
    PERFORM agentforge.require_admin();
    PERFORM agentforge.require_digest(user_add.password_digest);
    IF (user_add.username ~ '^[a-z0-9][a-z0-9._-]{0,49}$') IS NOT TRUE THEN
        RAISE EXCEPTION '% cannot be a user name.', user_add.username
            USING ERRCODE = '22023', HINT = 'Use up to 50 of a-z, 0-9, dot, hyphen, underscore; a letter or digit first.';
    ELSIF EXISTS (SELECT FROM agentforge.users AS u WHERE u.username = user_add.username) THEN
        RAISE EXCEPTION 'There is a user % already.', user_add.username USING ERRCODE = '23505';
    ELSIF (coalesce(user_add.email, 'a@b') ~ '^[^@\s]+@[^@\s]+$') IS NOT TRUE THEN
        RAISE EXCEPTION '% is no e-mail address.', user_add.email USING ERRCODE = '22023';
    ELSIF EXISTS (SELECT FROM agentforge.users AS u WHERE u.email = user_add.email) THEN
        RAISE EXCEPTION 'Another user has the e-mail address %.', user_add.email USING ERRCODE = '23505';
    END IF;
    INSERT INTO agentforge.users AS u (username, email, role, password_digest)
    VALUES (user_add.username, user_add.email, user_add.role, user_add.password_digest)
    RETURNING u.id INTO made;
    RETURN made;
END
$$;

-- Everybody, for admins and auditors.
CREATE FUNCTION agentforge.user_list() RETURNS TABLE (
    id bigint, username text, email text, role text, is_active boolean, can_log_in boolean, failed_logins integer,
    created_at timestamptz, last_login timestamptz, sessions bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM agentforge.require_user();
    IF NOT agentforge.reads_everything() THEN
        RAISE EXCEPTION 'Only admins and auditors may see the other users.' USING ERRCODE = '42501';
    END IF;
    RETURN QUERY
    SELECT u.id, u.username, u.email, u.role, u.is_active, u.is_active AND u.password_digest IS NOT NULL, u.failed_logins,
           u.created_at, u.last_login,
           (SELECT count(*) FROM agentforge.user_sessions AS s WHERE s.user_id = u.id AND s.expires_at > now())
    FROM agentforge.users AS u ORDER BY u.username;
END
$$;

-- Disabling ends the user's sessions; enabling forgets failed logins.
CREATE FUNCTION agentforge.user_set_active(username text, active boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    me bigint := agentforge.require_admin();
    target agentforge.users := agentforge.user_to_change(user_set_active.username);
BEGIN
    IF NOT active THEN
        IF target.id = me THEN
            RAISE EXCEPTION 'You cannot disable yourself.' USING ERRCODE = '42501', HINT = 'Ask another admin.';
        END IF;
        PERFORM agentforge.spare_last_admin(target);
        DELETE FROM agentforge.user_sessions AS s WHERE s.user_id = target.id;
    END IF;
    UPDATE agentforge.users AS u
    SET is_active = active, failed_logins = CASE WHEN active THEN 0 ELSE u.failed_logins END
    WHERE u.id = target.id;
    IF active THEN
        PERFORM setval(agentforge.login_counter(target.username), 1);
    END IF;
END
$$;

CREATE FUNCTION agentforge.user_set_role(username text, role text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
    target agentforge.users;
BEGIN
    PERFORM agentforge.require_admin();
    target := agentforge.user_to_change(user_set_role.username);
    IF user_set_role.role IS DISTINCT FROM 'admin' THEN
        PERFORM agentforge.spare_last_admin(target);
    END IF;
    UPDATE agentforge.users AS u SET role = user_set_role.role WHERE u.id = target.id;
END
$$;

-- One's own password, with a proof of the old one, or as an admin another user's. All other sessions of the user end.
-- Outcomes as those of login.
CREATE FUNCTION agentforge.user_set_password(
    username text, password_digest text, proof_of_old bytea, OUT outcome text, OUT retry_after_seconds integer
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
#variable_conflict use_column
DECLARE
    me bigint := agentforge.require_user();
    target agentforge.users;
BEGIN
    PERFORM agentforge.require_digest(user_set_password.password_digest);
    IF NOT EXISTS (SELECT FROM agentforge.users AS u WHERE u.id = me AND u.username = user_set_password.username) THEN
        PERFORM agentforge.require_admin();
    END IF;
    target := agentforge.user_to_change(user_set_password.username);
    outcome := 'ok';
    IF target.id = me THEN
        SELECT t.outcome, t.retry_after_seconds INTO outcome, retry_after_seconds
        FROM agentforge.try_password(target.username, proof_of_old) AS t;
        IF outcome <> 'ok' THEN
            PERFORM agentforge.record_login(
                'LOGIN_FAILED', me, target.username, jsonb_build_object('outcome', outcome, 'for', 'password'), NULL);
            RETURN;
        END IF;
    ELSE
        PERFORM setval(agentforge.login_counter(target.username), 1);
    END IF;
    UPDATE agentforge.users AS u SET password_digest = user_set_password.password_digest, failed_logins = 0
    WHERE u.id = target.id;
    DELETE FROM agentforge.user_sessions AS s
    WHERE s.user_id = target.id AND s.token_digest IS DISTINCT FROM agentforge.current_token_digest();
END
$$;

-- What the user has done stays in the audit trail; what he has made stays, without him.
CREATE FUNCTION agentforge.user_remove(username text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    me bigint := agentforge.require_admin();
    target agentforge.users := agentforge.user_to_change(user_remove.username);
BEGIN
    IF target.id = me THEN
        RAISE EXCEPTION 'You cannot remove yourself.' USING ERRCODE = '42501', HINT = 'Ask another admin.';
    END IF;
    PERFORM agentforge.spare_last_admin(target);
    DELETE FROM agentforge.users AS u WHERE u.id = target.id;
END
$$;

-- permissions -----------------------------------------------------------------------------------------------------------

-- The project of a key or name, among those that the caller administers (all of them, for one who may read everything and
-- only looks).
CREATE FUNCTION agentforge.project_to_administer(wanted text, looks_only boolean) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    allowed bigint[];
    ids bigint[];
    keys text;
BEGIN
    PERFORM agentforge.require_user();
    allowed := CASE WHEN looks_only AND agentforge.reads_everything()
        THEN agentforge.readable_projects() ELSE agentforge.administered_projects() END;
    SELECT array_agg(p.id ORDER BY p.key <> wanted), string_agg(p.key, ', ' ORDER BY p.key) INTO ids, keys
    FROM agentforge.projects AS p
    WHERE p.id = ANY (allowed) AND (p.key = wanted OR (p.name = wanted
        AND NOT EXISTS (SELECT FROM agentforge.projects AS k WHERE k.key = wanted AND k.id = ANY (allowed))));
    IF ids IS NULL THEN
        RAISE EXCEPTION 'There is no project % that you administer.', wanted
            USING ERRCODE = '42501', HINT = 'Ask an admin, or one of the project''s.';
    ELSIF cardinality(ids) > 1 THEN
        RAISE EXCEPTION 'Several projects are called %.', wanted
            USING ERRCODE = '22023', HINT = format('Name it by its key: %s.', keys);
    END IF;
    RETURN ids[1];
END
$$;

-- The id of a user who can be given something.
CREATE FUNCTION agentforge.user_to_permit(wanted text) RETURNS agentforge.users
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target agentforge.users;
BEGIN
    SELECT * INTO target FROM agentforge.users AS u WHERE u.username = wanted;
    IF target.id IS NULL THEN
        RAISE EXCEPTION 'There is no user %.', wanted USING ERRCODE = 'P0002';
    END IF;
    RETURN target;
END
$$;

-- Give a user read, write or admin on a project, instead of what he had there.
CREATE FUNCTION agentforge.grant_permission(username text, level text, project text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place bigint := agentforge.project_to_administer(grant_permission.project, false);
    target agentforge.users := agentforge.user_to_permit(grant_permission.username);
BEGIN
    IF target.username = 'local' THEN
        RAISE EXCEPTION 'The user local owns the database and needs no permission.' USING ERRCODE = '22023';
    ELSIF level <> 'read' AND target.role IN ('viewer', 'auditor') THEN
        RAISE EXCEPTION '% is %, who only reads.', target.username, 
            CASE target.role WHEN 'viewer' THEN 'a viewer' ELSE 'an auditor' END
            USING ERRCODE = '22023',
                HINT = format('Grant read, or let an admin run `agentforge user role %s developer`.', target.username);
    END IF;
    INSERT INTO agentforge.user_permissions AS p (user_id, project_id, permission, granted_by)
    VALUES (target.id, place, level, agentforge.current_user_id())
    ON CONFLICT (user_id, project_id) DO UPDATE
    SET permission = excluded.permission, granted_by = excluded.granted_by, granted_at = now();
END
$$;

-- Take from a user what he has on a project, and return it; where a level is named, only if he has that one.
CREATE FUNCTION agentforge.revoke_permission(username text, project text, level text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place bigint := agentforge.project_to_administer(revoke_permission.project, false);
    target agentforge.users := agentforge.user_to_permit(revoke_permission.username);
    had text;
BEGIN
    DELETE FROM agentforge.user_permissions AS p
    WHERE p.user_id = target.id AND p.project_id = place AND (level IS NULL OR p.permission = level)
    RETURNING p.permission INTO had;
    IF had IS NULL THEN
        RAISE EXCEPTION '% has no %permission on %.', target.username, coalesce(level || ' ', ''), revoke_permission.project
            USING ERRCODE = 'P0002', HINT = 'List them with `agentforge permissions --project`.';
    END IF;
    RETURN had;
END
$$;

-- Who may do what on a project, for those who administer it, and auditors.
CREATE FUNCTION agentforge.permission_list(project text) RETURNS TABLE (
    username text, role text, level text, granted_by text, granted_at timestamptz
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    place bigint := agentforge.project_to_administer(permission_list.project, true);
BEGIN
    RETURN QUERY
    SELECT u.username, u.role, p.permission, g.username, p.granted_at
    FROM agentforge.user_permissions AS p
    JOIN agentforge.users AS u ON u.id = p.user_id
    LEFT JOIN agentforge.users AS g ON g.id = p.granted_by
    WHERE p.project_id = place ORDER BY u.username;
END
$$;

GRANT EXECUTE ON FUNCTION
    agentforge.user_add(text, text, text, text), agentforge.user_list(), agentforge.user_set_active(text, boolean),
    agentforge.user_set_role(text, text), agentforge.user_set_password(text, text, bytea), agentforge.user_remove(text),
    agentforge.grant_permission(text, text, text), agentforge.revoke_permission(text, text, text),
    agentforge.permission_list(text)
    TO agentforge_app;
