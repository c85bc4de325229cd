-- Run by a database administrator, in the database that is to hold the results: the roles, the schema, the extension. The
-- tool works as agentforge_app: give that role a password (\password agentforge_app), or make people's login roles members of it.
DO $$
BEGIN
    IF to_regrole('agentforge_owner') IS NULL THEN
        CREATE ROLE agentforge_owner NOLOGIN;
    END IF;
    IF to_regrole('agentforge_app') IS NULL THEN
        CREATE ROLE agentforge_app LOGIN;
    END IF;
    GRANT agentforge_app TO agentforge_owner WITH INHERIT FALSE, SET TRUE;
    EXECUTE format('GRANT CREATE ON DATABASE %I TO agentforge_owner', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO agentforge_app', current_database());
END
$$;
CREATE SCHEMA IF NOT EXISTS agentforge AUTHORIZATION agentforge_owner;
CREATE EXTENSION IF NOT EXISTS vector SCHEMA agentforge;
