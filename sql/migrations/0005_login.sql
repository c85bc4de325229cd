-- Logins and sessions.
--
-- A password never comes here. The client computes argon2id of it and sends the result as a proof; the database holds only
-- the proof's SHA-256, so what it holds does not log in. Failed logins are counted in sequences, which no ROLLBACK undoes.

-- login ---------------------------------------------------------------------------------------------------------------

-- Made once, and nobody but the owner reads it: what salts of users who do not exist are derived from. The row is locked by
-- whoever manages users, so that they do so one at a time.
CREATE TABLE agentforge.login_secret (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    secret bytea NOT NULL CHECK (octet_length(secret) = 32)
);
INSERT INTO agentforge.login_secret (secret)
SELECT sha256(string_agg(uuid_send(gen_random_uuid()), ''::bytea)) FROM generate_series(1, 4);

CREATE FUNCTION agentforge.keyed_digest(text) RETURNS bytea
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(s.secret || sha256(convert_to($1, 'UTF8'))) FROM agentforge.login_secret AS s
$$;

-- Failed logins of each user are counted in a sequence of his own, those of names that nobody has in a few that such names
-- share. A value is failures * 2^44 + milliseconds since 1970 of the last one.
CREATE FUNCTION agentforge.keep_login_counter() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        EXECUTE format('CREATE SEQUENCE IF NOT EXISTS agentforge.%I', 'login_attempts_' || NEW.id);
    ELSE
        EXECUTE format('DROP SEQUENCE IF EXISTS agentforge.%I', 'login_attempts_' || OLD.id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER users_login_counter AFTER INSERT OR DELETE ON agentforge.users
    FOR EACH ROW EXECUTE FUNCTION agentforge.keep_login_counter();
DO $$
DECLARE
    suffix text;
BEGIN
    FOR suffix IN
        SELECT id::text FROM agentforge.users UNION ALL SELECT 'unknown_' || number FROM generate_series(0, 15) AS number
    LOOP
        EXECUTE format('CREATE SEQUENCE agentforge.%I', 'login_attempts_' || suffix);
    END LOOP;
END
$$;

CREATE FUNCTION agentforge.login_counter(tried text) RETURNS regclass
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        (SELECT to_regclass('agentforge.login_attempts_' || u.id) FROM agentforge.users AS u WHERE u.username = tried),
        to_regclass('agentforge.login_attempts_unknown_' || get_byte(agentforge.keyed_digest(tried), 0) % 16))
$$;

-- What an argon2id computation of the password starts from. For a name that nobody has it looks the same, and stays the same.
CREATE FUNCTION agentforge.login_challenge(username text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        (SELECT substring(u.password_digest FROM '^(.*)\$[^$]*$') FROM agentforge.users AS u WHERE u.username = $1),
        '$argon2id$v=19$m=65536,t=3,p=4$'
            || rtrim(encode(substring(agentforge.keyed_digest($1) FROM 1 FOR 16), 'base64'), '='))
$$;

-- The trail of logins: who, from where, and the name that was tried, where it can be one (people type passwords there, too).
CREATE FUNCTION agentforge.record_login(action text, who bigint, tried text, details jsonb, user_agent text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO agentforge.audit_logs
        (user_id, action, resource_type, resource_id, new_values, request_id, ip_address, user_agent, created_at)
    VALUES (
        who, action, 'users', (SELECT u.id FROM agentforge.users AS u WHERE u.username = tried),
        jsonb_build_object('username', substring(tried FROM '^[a-z0-9][a-z0-9._-]{0,49}$')) || details,
        substring(current_setting('agentforge.request_id', true)
            FROM '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$')::uuid,
        inet_client_addr(), left(user_agent, 200), clock_timestamp())
$$;

-- One guess at a password. From the third failure on, the next guess has to wait 1, 2, 4 ... at most 300 seconds; an hour
-- without one forgets them, which allows no more guesses a day than waiting 300 seconds does. A guess is counted before it is
-- looked at, so that cancelling the statement gains nothing, and nobody guesses twice at the same time.
CREATE FUNCTION agentforge.try_password(
    tried text, proof bytea, OUT outcome text, OUT who bigint, OUT retry_after_seconds integer
) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counter regclass := agentforge.login_counter(tried);
    clock bigint := extract(epoch FROM clock_timestamp()) * 1000;  -- now() stands still in a transaction
    unit constant bigint := 1::bigint << 44;
    state bigint;
    failures bigint;
    waiting bigint;
BEGIN
    retry_after_seconds := 0;
    IF NOT pg_try_advisory_xact_lock((1095124047::bigint << 32) + counter::oid::bigint) THEN
        outcome := 'busy';
        RETURN;
    END IF;
    state := coalesce(pg_sequence_last_value(counter), 0);
    failures := CASE WHEN clock - state % unit > 3600000 THEN 0 ELSE state / unit END;
    IF state % unit > clock THEN  -- the clock was set back
        state := failures * unit + clock;
        PERFORM setval(counter, state);
    END IF;
    waiting := CASE WHEN failures < 3 THEN 0 ELSE least(300, 1 << least(failures - 3, 9)::integer) * 1000 END
        - (clock - state % unit);
    IF waiting > 0 THEN
        outcome := 'throttled';
        retry_after_seconds := ceil(waiting / 1000.0);
        RETURN;
    END IF;
    failures := least(failures + 1, 100000);
    PERFORM setval(counter, failures * unit + clock);
    SELECT u.id INTO who FROM agentforge.users AS u
    WHERE u.username = tried AND u.is_active
      AND split_part(u.password_digest, '$', 6) = rtrim(encode(sha256(proof), 'base64'), '=');
    IF who IS NULL THEN
        outcome := 'denied';
        UPDATE agentforge.users AS u SET failed_logins = failures WHERE u.username = tried;
    ELSE
        outcome := 'ok';
        PERFORM setval(counter, clock);
        UPDATE agentforge.users AS u SET failed_logins = 0, last_login = clock_timestamp() WHERE u.id = who;
    END IF;
END
$$;

-- Exchange a proof for a session, known by the SHA-256 of a token that the client has made. A wrong password is an outcome
-- and no error: an error would undo the audit row. Outcomes: ok, denied, throttled, busy.
CREATE FUNCTION agentforge.login(
    username text, proof bytea, token_digest bytea, lifetime interval, user_agent text,
    OUT outcome text, OUT user_id bigint, OUT expires_at timestamptz, OUT retry_after_seconds integer
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF octet_length(token_digest) IS DISTINCT FROM 32 OR (lifetime BETWEEN '1 minute' AND '30 days') IS NOT TRUE THEN
        RAISE EXCEPTION 'A session lasts for at least one minute and at most 30 days.' USING ERRCODE = '22023';
    END IF;
    SELECT t.outcome, t.who, t.retry_after_seconds INTO outcome, user_id, retry_after_seconds
    FROM agentforge.try_password(username, proof) AS t;
    IF outcome = 'ok' THEN
        DELETE FROM agentforge.user_sessions AS s WHERE s.user_id = login.user_id AND s.expires_at <= clock_timestamp();
        INSERT INTO agentforge.user_sessions AS s (user_id, token_digest, expires_at, ip_address, user_agent)
        VALUES (
            login.user_id, login.token_digest, clock_timestamp() + lifetime, inet_client_addr(), left(login.user_agent, 200))
        RETURNING s.expires_at INTO expires_at;
    END IF;
    PERFORM agentforge.record_login(
        CASE outcome WHEN 'ok' THEN 'LOGIN' ELSE 'LOGIN_FAILED' END, user_id, username,
        jsonb_build_object('outcome', outcome), login.user_agent);
END
$$;

-- sessions ------------------------------------------------------------------------------------------------------------

CREATE FUNCTION agentforge.current_token_digest() RETURNS bytea
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(convert_to(current_setting('agentforge.session_token', true), 'UTF8'))
$$;

-- The caller's id. A transaction that looks at the past would not see that he has been disabled since.
CREATE FUNCTION agentforge.require_user() RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me bigint := agentforge.current_user_id();
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'Users and permissions are managed in transactions that read what is committed.'
            USING ERRCODE = '25001', HINT = 'Use isolation level READ COMMITTED.';
    ELSIF me IS NULL THEN
        RAISE EXCEPTION 'You are not logged in, or your session has ended.'
            USING ERRCODE = '42501', HINT = 'Run `agentforge login`.';
    END IF;
    RETURN me;
END
$$;

-- Who asks, and until when; no row for nobody. The local user has no session.
CREATE FUNCTION agentforge.whoami() RETURNS TABLE (
    user_id bigint, username text, email text, role text, session_id bigint, expires_at timestamptz
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.id, u.username, u.email, u.role, s.id, s.expires_at
    FROM agentforge.users AS u
    LEFT JOIN agentforge.user_sessions AS s ON s.user_id = u.id AND s.token_digest = agentforge.current_token_digest()
    WHERE u.id = agentforge.current_user_id()
$$;

-- The caller's sessions; for admins and auditors, everybody's.
CREATE FUNCTION agentforge.session_list() RETURNS TABLE (
    id bigint, username text, created_at timestamptz, expires_at timestamptz, ip_address inet, user_agent text,
    is_current boolean
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    me bigint := agentforge.require_user();
    mine bytea := agentforge.current_token_digest();
BEGIN
    RETURN QUERY
    SELECT s.id, u.username, s.created_at, s.expires_at, s.ip_address, s.user_agent, coalesce(s.token_digest = mine, false)
    FROM agentforge.user_sessions AS s JOIN agentforge.users AS u ON u.id = s.user_id
    WHERE s.expires_at > clock_timestamp() AND (u.id = me OR agentforge.reads_everything())
    ORDER BY u.username, s.id;
END
$$;

-- End a session: one's own, or as an admin anybody's.
CREATE FUNCTION agentforge.revoke_session(session_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me bigint := agentforge.require_user();
BEGIN
    DELETE FROM agentforge.user_sessions AS s
    WHERE s.id = session_id AND (s.user_id = me OR agentforge.current_user_role() = 'admin');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'You have no session %.', session_id
            USING ERRCODE = 'P0002', HINT = 'List them with `agentforge sessions`.';
    END IF;
END
$$;

-- End the session whose token is presented, or all of its user. Returns how many; 0 where it had ended already.
CREATE FUNCTION agentforge.logout(everywhere boolean, user_agent text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner bigint;
    ended bigint;
BEGIN
    SELECT s.user_id INTO owner FROM agentforge.user_sessions AS s
    WHERE s.token_digest = agentforge.current_token_digest() AND s.user_id = agentforge.current_user_id();
    DELETE FROM agentforge.user_sessions AS s
    WHERE s.user_id = owner AND (everywhere OR s.token_digest = agentforge.current_token_digest());
    GET DIAGNOSTICS ended = ROW_COUNT;
    IF ended > 0 THEN
        PERFORM agentforge.record_login(
            'LOGOUT', owner, (SELECT u.username FROM agentforge.users AS u WHERE u.id = owner),
            jsonb_build_object('sessions', ended), user_agent);
    END IF;
    RETURN ended;
END
$$;

GRANT EXECUTE ON FUNCTION
    agentforge.login_challenge(text), agentforge.login(text, bytea, bytea, interval, text), agentforge.whoami(),
    agentforge.session_list(), agentforge.revoke_session(bigint), agentforge.logout(boolean, text)
    TO agentforge_app;
