"""Logging in: who knows the password gets a session, who guesses is slowed, what the database holds is not enough."""

from __future__ import annotations

import base64
import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fix_users import CHEAP, PASSWORD, People

from agentforge.errors import UsageError
from agentforge.store import logins, users

SECRETS = [
    "SELECT password_digest FROM users",
    "SELECT * FROM users",
    "COPY users TO STDOUT",
    "SELECT token_digest FROM user_sessions",
    "SELECT users FROM users",
    "SELECT secret FROM login_secret",
    "SELECT secret FROM login_secret FOR UPDATE",
    "SELECT last_value FROM login_attempts_1",
    "SELECT setval('login_attempts_1', 1)",
    "SELECT nextval('login_attempts_unknown_0')",
    "UPDATE users SET password_digest = NULL",
    "SELECT try_password('local', 'x')",
    "SELECT keyed_digest('x')",
    "SELECT user_to_change('ada')",
    "SELECT record_login('LOGIN', 1, 'local', '{}', 'x')",
    "INSERT INTO user_sessions (user_id, token_digest, expires_at) VALUES (1, sha256('x'), now() + interval '1 hour')",
    "UPDATE user_sessions SET expires_at = now() + interval '9 years'",
]


def who(people: People, token: str) -> str | None:
    with people.attacker(token) as connection:
        identity = logins.whoami(connection)
        return identity.username if identity else None


def test_the_right_password_begins_a_session_and_a_wrong_one_does_not(people: People) -> None:
    name = people.add()
    assert who(people, people.log_in(name)) == name
    with pytest.raises(UsageError, match="name or password are wrong"):
        people.log_in(name, PASSWORD + "!")
    assert who(people, "x" * 43) is None
    assert who(people, "") is None


def test_from_the_third_failure_on_each_guess_waits_twice_as_long(people: People) -> None:
    name = people.add()
    with people.attacker() as attacker:
        assert [people.guess(attacker, name) for _ in range(4)] == [("denied", 0)] * 3 + [("throttled", 1)]
        waited = []
        for _ in range(11):
            outcome, seconds = people.guess(attacker, name)
            waited.append(seconds)
            assert outcome == "throttled"
            people.let_pass(name, seconds)
            assert people.guess(attacker, name) == ("denied", 0)
    assert waited == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    with pytest.raises(UsageError, match="in 300 seconds"):
        people.log_in(name)
    people.let_pass(name, 300)
    people.log_in(name)
    with people.attacker() as attacker:
        assert people.guess(attacker, name) == ("denied", 0), "a success forgets the failures"


def test_an_hour_without_a_failure_forgets_them(people: People) -> None:
    name = people.add()
    with people.attacker() as attacker:
        for _ in range(4):
            people.guess(attacker, name)
        people.let_pass(name, 3601)
        assert [people.guess(attacker, name)[0] for _ in range(3)] == ["denied"] * 3


def test_a_clock_that_is_set_back_locks_nobody_out(people: People) -> None:
    name = people.add()
    with people.attacker() as attacker:
        for _ in range(3):
            people.guess(attacker, name)
        people.let_pass(name, -86400)
        assert people.guess(attacker, name) == ("throttled", 1)
        people.let_pass(name, 1)
        assert people.guess(attacker, name) == ("denied", 0)


@pytest.mark.parametrize("undo", ["rollback", "error", "savepoint", "cancel"])
def test_undoing_a_guess_does_not_undo_its_count(people: People, undo: str) -> None:
    name = people.add()
    with people.attacker() as attacker:
        for _ in range(3):
            if undo == "rollback":
                with attacker.transaction(force_rollback=True):
                    assert people.guess(attacker, name) == ("denied", 0)
            elif undo == "savepoint":
                with attacker.transaction(), attacker.transaction(force_rollback=True):
                    assert people.guess(attacker, name) == ("denied", 0)
            elif undo == "error":
                with pytest.raises(psycopg.errors.DivisionByZero):
                    attacker.execute(
                        "SELECT 1 / length(replace(outcome, 'denied', '')) "
                        "FROM login(%s, 'x', sha256('x'), '1 hour', 'test')",
                        (name,),
                    )
            else:
                with attacker.transaction(force_rollback=True):
                    attacker.execute("SET LOCAL statement_timeout = 50")
                    with pytest.raises(psycopg.errors.QueryCanceled):
                        attacker.execute(
                            "SELECT pg_sleep(1), outcome FROM login(%s, 'x', sha256('x'), '1 hour', 'test')", (name,)
                        )
        assert people.guess(attacker, name) == ("throttled", 1)
    assert people.administer("SELECT failed_logins FROM users WHERE username = %s", (name,)) == [(0,)]


def test_one_guess_at_a_time(people: People) -> None:
    name = people.add()
    with people.attacker() as first, people.attacker() as second:
        with first.transaction():
            assert people.guess(first, name) == ("denied", 0)
            assert people.guess(second, name) == ("busy", 0)
        assert people.guess(second, name) == ("denied", 0)


def test_many_guesses_at_once_are_no_more_guesses(people: People) -> None:
    name = people.add()
    outcomes: list[str] = []

    def run() -> None:
        with people.attacker() as attacker:
            outcomes.extend(people.guess(attacker, name)[0] for _ in range(5))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("denied") == 3
    assert set(outcomes) <= {"denied", "throttled", "busy"}


def test_one_statement_with_many_guesses_is_slowed_too(people: People) -> None:
    name = people.add()
    with people.attacker() as attacker:
        rows = attacker.execute(
            "SELECT (login(%s, convert_to(n::text, 'UTF8'), sha256('x'), '1 hour', 'test')).outcome "
            "FROM generate_series(1, 50) AS n",
            (name,),
        ).fetchall()
    assert [outcome for (outcome,) in rows].count("denied") == 3


def test_a_name_that_nobody_has_looks_like_one_with_a_wrong_password(people: People) -> None:
    disabled = people.add()
    with people.operator() as operator:
        users.set_active(operator, disabled, active=False)
    with people.attacker() as attacker:
        seen = {}
        for name in ("nobody-has-this", "local", disabled):
            challenges = {attacker.execute("SELECT login_challenge(%s)", (name,)).fetchone() for _ in range(2)}
            assert len(challenges) == 1, "asked twice, it is the same"
            (challenge,) = challenges.pop() or ("",)
            # Salts have one length; the parameters of real users are the recommended ones, here they are cheap.
            seen[name] = (len(challenge.rsplit("$", 1)[1]), [people.guess(attacker, name) for _ in range(5)])
    assert len({str(value) for value in seen.values()}) == 1
    with people.attacker() as attacker:
        one, other = (attacker.execute("SELECT login_challenge(%s)", (name,)).fetchone() for name in ("a-1", "a-2"))
    assert one != other


@pytest.mark.parametrize("statement", SECRETS)
def test_the_application_reads_and_writes_no_secret(people: People, statement: str) -> None:
    with people.as_user(people.add("admin")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode()).fetchall()


def test_a_stolen_digest_does_not_log_in(people: People) -> None:
    name = people.add()
    ((digest,),) = people.administer("SELECT password_digest FROM users WHERE username = %s", (name,))
    part = digest.rsplit("$", 1)[1]
    with people.attacker() as attacker:
        for proof in (base64.b64decode(part + "="), digest.encode(), part.encode()):
            assert people.guess(attacker, name, proof) == ("denied", 0)
            people.let_pass(name, 3601)
    assert PASSWORD not in digest


def test_a_session_ends_when_it_expires_or_is_revoked(people: People) -> None:
    name = people.add()
    token, other = people.log_in(name), people.log_in(name)
    people.administer(
        "UPDATE user_sessions SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' "
        "WHERE token_digest = sha256(%s)",
        (token.encode(),),
    )
    assert who(people, token) is None
    with people.attacker(other) as connection:
        (session,) = logins.sessions(connection)
        assert session.is_current
        logins.revoke_session(connection, session.id)
    assert who(people, other) is None


def test_sessions_are_listed_and_revoked_by_their_user_and_by_admins(people: People) -> None:
    name, admin, stranger = people.add(), people.add("admin"), people.add()
    with people.as_user(name) as mine, people.as_user(stranger) as theirs, people.as_user(admin) as boss:
        (session,) = logins.sessions(mine)
        assert {row.username for row in logins.sessions(theirs)} == {stranger}
        with pytest.raises(UsageError, match="You have no session"):
            logins.revoke_session(theirs, session.id)
        assert {name, admin, stranger} <= {row.username for row in logins.sessions(boss)}
        logins.revoke_session(boss, session.id)
        assert logins.whoami(mine) is None


def test_a_disabled_user_is_out_at_once(people: People) -> None:
    name = people.add()
    with people.as_user(name) as connection, people.operator() as operator:
        users.set_active(operator, name, active=False)
        assert logins.whoami(connection) is None
        with pytest.raises(UsageError, match="name or password are wrong"):
            people.log_in(name)
        users.set_active(operator, name, active=True)
        assert logins.whoami(connection) is None, "the session is gone for good"
    people.log_in(name)


def test_a_new_password_ends_all_other_sessions(people: People) -> None:
    name = people.add()
    with people.as_user(name) as here, people.as_user(name) as there:
        assert users.set_password(here, name, "another long one", PASSWORD, CHEAP, CHEAP) is None
        assert logins.whoami(here) is not None
        assert logins.whoami(there) is None
    with pytest.raises(UsageError):
        people.log_in(name)
    people.log_in(name, "another long one")


def test_a_stolen_session_does_not_guess_the_password_faster(people: People) -> None:
    name = people.add()
    with people.as_user(name) as connection:
        refused = [users.set_password(connection, name, "x" * 20, "wrong", CHEAP, CHEAP) for _ in range(4)]
    assert [str(error).splitlines()[0] for error in refused] == ["User name or password are wrong."] * 3 + [
        "There were too many failed logins."
    ]


def test_a_session_lasts_for_30_days_at_most(people: People) -> None:
    name = people.add()
    people.log_in(name, lifetime=timedelta(days=30))
    for lifetime in (timedelta(days=30, seconds=1), timedelta(0), timedelta(days=-1)):
        with pytest.raises(UsageError, match="at most 30 days"):
            people.log_in(name, lifetime=lifetime)


def test_logging_out_ends_one_session_or_all(people: People) -> None:
    name = people.add()
    with people.as_user(name) as first, people.as_user(name) as second, people.as_user(name) as third:
        assert logins.log_out(first, everywhere=False, user_agent="test") == 1
        assert logins.log_out(first, everywhere=True, user_agent="test") == 0
        assert logins.whoami(second) is not None
        assert logins.log_out(second, everywhere=True, user_agent="test") == 2
        assert logins.whoami(third) is None


def test_a_wrong_password_in_a_transaction_leaves_its_trace(people: People) -> None:
    name = people.add()
    with people.attacker() as connection, connection.transaction():
        refused = logins.log_in(connection, name, "wrong", timedelta(hours=1), "test", CHEAP)
    assert isinstance(refused, UsageError)
    left = people.administer(
        "SELECT failed_logins, (SELECT count(*) FROM audit_logs WHERE action = 'LOGIN_FAILED' AND resource_id = u.id) "
        "FROM users AS u WHERE username = %s",
        (name,),
    )
    assert left == [(1, 1)]


def test_the_trail_names_who_tried_and_no_proof(people: People) -> None:
    name = people.add()
    token = people.log_in(name)
    with people.attacker(token) as connection:
        people.guess(connection, name, b"a-wrong-proof")
        people.guess(connection, "My Password 1!", b"typed in the wrong field")
        logins.log_out(connection, everywhere=False, user_agent="test")
    rows: list[Any] = people.administer(
        "SELECT action, new_values->>'username', row_to_json(a)::text FROM audit_logs AS a WHERE user_agent = 'test' "
        "AND (resource_id = (SELECT id FROM users WHERE username = %s) OR resource_id IS NULL) "
        "ORDER BY id DESC LIMIT 4",
        (name,),
    )
    assert [row[:2] for row in reversed(rows)] == [
        ("LOGIN", name),
        ("LOGIN_FAILED", name),
        ("LOGIN_FAILED", None),
        ("LOGOUT", name),
    ]
    text = "".join(row[2] for row in rows)
    assert all(secret not in text for secret in ("proof", "My Password", token, "argon2id"))
