"""Who manages users and permissions: admins, and admins of a project, and never so that nobody is left."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from fix_faults import wait_at
from fix_users import CHEAP, PASSWORD, People

from agentforge.errors import UsageError
from agentforge.store import logins, passwords, users

FOR_THE_APPLICATION = {
    "login_challenge", "login", "whoami", "session_list", "revoke_session", "logout", "user_add", "user_list",
    "user_set_active", "user_set_role", "user_set_password", "user_remove", "grant_permission", "revoke_permission",
    "permission_list",
}  # fmt: skip
INTERNAL = {
    "keyed_digest", "keep_login_counter", "login_counter", "record_login", "try_password", "current_token_digest",
    "require_user", "require_admin", "require_digest", "user_to_change", "spare_last_admin", "project_to_administer",
    "user_to_permit",
}  # fmt: skip


def test_the_application_calls_only_functions_that_check_who_asks(people: People) -> None:
    rows = people.administer(
        "SELECT proname, has_function_privilege('agentforge_app', oid, 'EXECUTE'), prosecdef, proconfig[1] "
        "FROM pg_proc WHERE pronamespace = 'agentforge'::regnamespace AND proname = ANY (%s)",
        ([*FOR_THE_APPLICATION, *INTERNAL],),
    )
    assert {row[0] for row in rows} == FOR_THE_APPLICATION | INTERNAL
    assert {row[0] for row in rows if row[1]} == FOR_THE_APPLICATION
    assert all(row[2] for row in rows if row[1])
    assert {row[3] for row in rows} == {"search_path=pg_catalog, pg_temp"}


@pytest.mark.parametrize("role", ["developer", "auditor", "viewer"])
def test_only_admins_manage_users(people: People, role: str) -> None:
    name, other = people.add(role), people.add()
    with people.as_user(name) as connection:
        attempts = [
            lambda: users.add(connection, "x", None, "admin", PASSWORD, CHEAP),
            lambda: users.set_role(connection, name, "admin"),
            lambda: users.set_active(connection, other, active=False),
            lambda: users.set_password(connection, other, "y" * 20, None, CHEAP),
            lambda: users.remove(connection, other),
        ]
        for attempt in attempts:
            with pytest.raises(UsageError, match="Only an admin"):
                attempt()
        if role == "auditor":
            assert other in {user.username for user in users.users(connection)}
        else:
            with pytest.raises(UsageError, match="Only admins and auditors"):
                users.users(connection)
    assert people.administer("SELECT role, is_active FROM users WHERE username = %s", (other,)) == [("developer", True)]


def test_a_change_that_ran_into_a_deadlock_is_made_all_the_same(people: People) -> None:
    """It has the user and wants his sessions; another one has these and wants him, and is the more patient."""
    name = people.add()

    def remove() -> None:
        with psycopg.connect(
            people.url, autocommit=True, options="-c search_path=agentforge -c deadlock_timeout=3s"
        ) as connection:
            connection.execute("SET ROLE agentforge_app")
            users.remove(connection, name)

    with (
        psycopg.connect(people.url, options="-c search_path=agentforge -c deadlock_timeout=60s") as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("LOCK TABLE user_sessions IN SHARE MODE")
        removal = pool.submit(remove)
        wait_at(people.url, "user_sessions")
        other.execute("SELECT FROM users WHERE username = %s FOR UPDATE", (name,))
        other.commit()
        removal.result(60)
    assert people.administer("SELECT FROM users WHERE username = %s", (name,)) == []


def test_nobody_manages_anything(people: People) -> None:
    with people.attacker() as nobody:
        for query in ("user_list()", "session_list()", "user_set_role('local', 'viewer')", "permission_list('x')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="not logged in"):
                nobody.execute(f"SELECT * FROM {query}".encode())


def test_a_transaction_that_looks_at_the_past_manages_nothing(people: People) -> None:
    admin, other = people.add("admin"), people.add()
    with people.as_user(admin) as connection, people.operator() as operator, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM users")
        users.set_role(operator, admin, "viewer")
        with pytest.raises(UsageError, match="read what is committed"), connection.transaction():
            users.set_role(connection, other, "admin")


def test_a_role_changes_at_once(people: People) -> None:
    name = people.add("viewer")
    with people.as_user(name) as connection, people.operator() as operator:
        users.set_role(operator, name, "auditor")
        assert users.users(connection)
        users.set_role(operator, name, "viewer")
        with pytest.raises(UsageError):
            users.users(connection)


@pytest.mark.parametrize(
    ("name", "email", "message"),
    [("Ada!", None, "cannot be a user name"), ("local", None, "already"), ("ok-name", "no address", "no e-mail")],
)
def test_what_cannot_be_a_user_is_refused_in_words(people: People, name: str, email: str | None, message: str) -> None:
    with people.operator() as operator, pytest.raises(UsageError, match=message):
        users.add(operator, name, email, "developer", PASSWORD, CHEAP)


@pytest.mark.parametrize(
    ("password", "message"), [("short", "5 characters"), ("a-long-user-name", "user's name"), ("x" * 1025, "longer")]
)
def test_a_password_that_is_easily_guessed_is_refused(password: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        passwords.check_new(password, "a-long-user-name")


def test_a_server_that_asks_for_a_cheap_digest_gets_none() -> None:
    challenge = passwords.digest(PASSWORD, CHEAP).rsplit("$", 1)[0]
    with pytest.raises(Exception, match="easy to guess from"):
        passwords.proof(PASSWORD, challenge)
    with pytest.raises(Exception, match="too much memory"):
        passwords.proof(PASSWORD, challenge.replace("m=8,", "m=9999999,").replace("t=1,", "t=3,"))
    with pytest.raises(Exception, match="not understood"):
        passwords.proof(PASSWORD, "$2b$12$" + "x" * 53)


def test_a_digest_is_argon2id_as_the_rfc_recommends_and_the_same_for_equal_text() -> None:
    digest = passwords.digest("caf\u00e9 au lait, encore")
    assert digest.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    proofs = {
        passwords.proof(text, digest.rsplit("$", 1)[0])
        for text in ("café au lait, encore", "cafe\u0301 au lait, encore")
    }
    assert len(proofs) == 1
    assert passwords.digest(PASSWORD, CHEAP) != passwords.digest(PASSWORD, CHEAP), "the salt is new each time"


def test_the_local_user_cannot_be_changed(people: People) -> None:
    with people.as_user(people.add("admin")) as connection:
        for attempt in (
            lambda: users.remove(connection, "local"),
            lambda: users.set_active(connection, "local", active=False),
            lambda: users.set_role(connection, "local", "viewer"),
            lambda: users.set_password(connection, "local", "y" * 20, None, CHEAP),
        ):
            with pytest.raises(UsageError, match="cannot be changed"):
                attempt()


def test_the_last_admin_who_can_log_in_stays(people: People) -> None:
    people.administer("UPDATE users SET role = 'developer' WHERE username <> 'local'")
    first, second = people.add("admin"), people.add("admin")
    with people.as_user(first) as connection, people.operator() as operator:
        users.set_active(operator, second, active=False)
        with pytest.raises(UsageError, match="last admin"):
            users.set_role(connection, first, "viewer")
        with pytest.raises(UsageError, match="cannot remove yourself"):
            users.remove(connection, first)
        users.set_active(operator, second, active=True)
        users.set_role(connection, first, "viewer")
        users.set_role(operator, second, "viewer")  # an operator can make another one


def test_two_admins_do_not_remove_each_other(people: People) -> None:
    people.administer("UPDATE users SET role = 'developer' WHERE username <> 'local'")
    names = [people.add("admin"), people.add("admin")]
    tokens = [people.log_in(name) for name in names]
    barrier = threading.Barrier(2)
    done: list[str] = []

    def run(token: str, other: str) -> None:
        with people.attacker(token) as connection:
            barrier.wait()
            try:
                users.remove(connection, other)
                done.append("removed")
            except UsageError as error:
                done.append(error.message)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(tokens, reversed(names), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.count("removed") == 1
    assert people.administer("SELECT count(*) FROM users WHERE role = 'admin' AND username <> 'local'") == [(1,)]


def test_removing_a_user_keeps_what_the_trail_says_of_him(people: People) -> None:
    name = people.add()
    ((user_id,),) = people.administer("SELECT id FROM users WHERE username = %s", (name,))
    project = people.project(f"p-{name}")
    with people.operator() as operator, people.as_user(name) as connection:
        users.grant(operator, name, "write", f"p-{name}")
        connection.execute("INSERT INTO projects (key, name) VALUES (%s, 'his')", (name,))
        users.remove(operator, name)
    assert people.administer("SELECT created_by FROM projects WHERE key = %s", (name,)) == [(None,)]
    trail = people.administer("SELECT count(*) FROM audit_logs WHERE user_id = %s AND action = 'LOGIN'", (user_id,))
    assert trail == [(1,)]
    left = people.administer(
        "SELECT (SELECT count(*) FROM user_sessions WHERE user_id = %(user)s), "
        "(SELECT count(*) FROM user_permissions WHERE project_id = %(project)s AND user_id = %(user)s), "
        "to_regclass('login_attempts_' || %(user)s)",
        {"user": user_id, "project": project},
    )
    assert left == [(0, 0, None)]


def test_admins_of_a_project_grant_on_it_and_nowhere_else(people: People) -> None:
    owner, friend, key, other_key = people.add(), people.add(), secrets.token_hex(8), secrets.token_hex(8)
    people.project(other_key)
    with people.as_user(owner) as connection, people.as_user(friend) as theirs:
        connection.execute("INSERT INTO projects (key, name) VALUES (%s, 'mine')", (key,))
        users.grant(connection, friend, "write", key)
        assert theirs.execute("SELECT key FROM projects").fetchall() == [(key,)]
        for project in (key, other_key, "no such"):
            with pytest.raises(UsageError, match="that you administer"):
                users.grant(theirs, friend, "admin", project)
        with pytest.raises(UsageError, match="that you administer"):
            users.grant(connection, owner, "read", other_key)
        with pytest.raises(UsageError, match="no admin permission"):
            users.revoke(connection, friend, key, "admin")
        listed = {row.username: (row.level, row.granted_by) for row in users.permissions(connection, key)}
        assert listed == {owner: ("admin", owner), friend: ("write", owner)}
        with pytest.raises(UsageError, match="that you administer"):
            users.permissions(theirs, key)
        assert users.revoke(connection, friend, key, None) == "write"
        assert theirs.execute("SELECT key FROM projects").fetchall() == []


def test_who_only_reads_is_given_no_more(people: People) -> None:
    viewer, key = people.add("viewer"), secrets.token_hex(8)
    people.project(key)
    with people.operator() as operator:
        with pytest.raises(UsageError, match="a viewer, who only reads"):
            users.grant(operator, viewer, "write", key)
        users.grant(operator, viewer, "read", key)
        with pytest.raises(UsageError, match="There is no user"):
            users.grant(operator, "nobody-such", "read", key)


def test_a_name_that_several_projects_have_is_not_enough(people: People) -> None:
    name, user = secrets.token_hex(8), people.add()
    with people.operator() as operator:
        for number in (1, 2):
            operator.execute("INSERT INTO projects (key, name) VALUES (%s, %s)", (f"{name}/{number}", name))
        with pytest.raises(UsageError, match="Several projects") as caught:
            users.grant(operator, user, "read", name)
        assert f"{name}/1, {name}/2" in caught.value.hint
        users.grant(operator, user, "read", f"{name}/2")


def test_enabling_a_user_forgets_failed_logins(people: People) -> None:
    name = people.add()
    with people.attacker() as attacker, people.operator() as operator:
        for _ in range(4):
            people.guess(attacker, name)
        assert {user.username: user.failed_logins for user in users.users(operator)}[name] == 3
        users.set_active(operator, name, active=True)
        people.log_in(name)
        assert logins.whoami(operator) is not None
