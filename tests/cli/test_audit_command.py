"""`agentforge audit log|verify|key|rotate-key` as auditors and administrators run them."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import psycopg
import pytest

from agentforge.cli import run
from agentforge.cli.audit import parse_resource, parse_time
from agentforge.cli.database import open_as_owner
from agentforge.errors import UsageError
from agentforge.store.audit_chain import chain
from agentforge.store.audit_encryption import encrypt_pending
from agentforge.store.audit_key import read_key_file
from agentforge.store.connection import DatabaseSettings

SCHEMAS = Path(__file__).parents[2] / "docs/schemas"
Audit = Callable[..., tuple[int, str, str]]


@pytest.fixture
def audit(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Audit:
    """Runs a command; gives exit code, stdout and stderr."""
    for name in ("AGENTFORGE_TOKEN", "AGENTFORGE_AUDIT_ENCRYPTION_KEY", "AGENTFORGE_AUDIT_ENCRYPTION_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AGENTFORGE_DATABASE_URL", migrated_url)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str) -> tuple[int, str, str]:
        code = run(["audit", *arguments])
        done = capsys.readouterr()
        return code, done.out, done.err

    return command


@contextmanager
def owner(url: str) -> Iterator[Any]:
    with open_as_owner(DatabaseSettings(url=url), print) as connection:
        yield connection


def logged(audit: Audit, *arguments: str) -> list[dict[str, Any]]:
    code, out, err = audit("log", "--format", "json", *arguments)
    assert code == 0, err
    document = json.loads(out)
    jsonschema.validate(document, json.loads((SCHEMAS / "audit.schema.json").read_text()))
    entries: list[dict[str, Any]] = document["entries"]
    return entries


def test_the_log_is_filtered_by_who_what_and_when(audit: Audit, migrated_url: str) -> None:
    with owner(migrated_url) as connection:
        connection.execute("INSERT INTO projects (key, name) VALUES ('k', 'first'), ('l', 'second')")
        connection.execute("UPDATE projects SET description = E'a\\x1b[31m' WHERE key = 'k'")
        connection.execute("DELETE FROM projects WHERE key = 'l'")
        connection.execute("SET application_name = E'evil\\x1b'")
        me = connection.execute("SELECT session_user::text").fetchone()[0]
    entries = logged(audit, "--resource", "projects")
    assert [entry["action"] for entry in entries] == ["DELETE", "UPDATE", "INSERT", "INSERT"], "newest first"
    changed = entries[1]
    assert (changed["user"], changed["database_user"], changed["project"]) == ("local", me, "first")
    assert (changed["old_values"], changed["new_values"]) == ({"description": None}, {"description": "a\x1b[31m"})
    assert logged(audit, "--resource", f"projects:{changed['resource_id']}", "--action", "update") == [changed]
    assert len(logged(audit, "--resource", "projects", "--limit", "2")) == 2
    gone = [entry["action"] for entry in logged(audit, "--project", "second", "--resource", "projects")]
    assert gone == ["DELETE", "INSERT"], "a project that is gone is found by the name that it had"
    assert logged(audit, "--user", "local", "--resource", "projects") == entries
    assert logged(audit, "--user", me, "--resource", "projects") == entries
    assert logged(audit, "--user", "nobody") == []
    assert logged(audit, "--since", "1h", "--resource", "projects") == entries
    assert logged(audit, "--until", "2026-01-01") == []
    code, out, _ = audit("log", "--resource", "projects")
    assert code == 0
    assert 'description null -> "a\\u001b[31m"' in out
    assert "\x1b" not in out


def test_a_user_sees_what_he_did_and_what_was_done_to_his_projects(
    audit: Audit, migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = secrets.token_urlsafe(32)
    with owner(migrated_url) as connection:
        connection.execute("INSERT INTO users (username, password_digest) VALUES ('ada', '$argon2id$x')")
        connection.execute(
            "INSERT INTO user_sessions (user_id, token_digest, expires_at) "
            "SELECT max(id), sha256(%s), now() + interval '1 hour' FROM users",
            (token.encode(),),
        )
        connection.execute("INSERT INTO projects (key, name) VALUES ('k', 'somebody else''s')")
    monkeypatch.setenv("AGENTFORGE_TOKEN", token)
    with psycopg.connect(migrated_url) as connection:
        connection.execute(
            "SELECT set_config('role', 'agentforge_app', true), set_config('agentforge.session_token', %s, true)",
            (token,),
        )
        connection.execute("INSERT INTO agentforge.projects (key, name) VALUES ('mine', 'mine')")
    assert {entry["user"] for entry in logged(audit)} == {"ada"}
    assert {entry["project"] for entry in logged(audit, "--resource", "projects")} == {"mine"}
    assert logged(audit, "--project", "somebody else's") == []


def test_verify_says_whole_or_names_the_row_and_compares_with_an_earlier_output(
    audit: Audit, migrated_url: str, tmp_path: Path
) -> None:
    schema = json.loads((SCHEMAS / "audit-verify.schema.json").read_text())
    assert audit("verify")[0] == 0
    with owner(migrated_url) as connection:
        chain(connection)
    code, out, _ = audit("verify", "--format", "json")
    jsonschema.validate(json.loads(out), schema)
    assert (code, json.loads(out)["whole"]) == (0, True)
    saved = tmp_path / "heads.json"
    saved.write_text(out)
    assert audit("verify", "--against", str(saved))[0] == 0
    heads = json.loads(out)
    heads["months"].append({"month": "2001-02-01", "position": 3, "hash": "0" * 64, "key_id": None, "problem": None})
    saved.write_text(json.dumps(heads))
    code, printed, _ = audit("verify", "--against", str(saved))
    assert (code, printed.splitlines()[0]) == (0, "2001-02  gone: it is past its retention.")
    saved.write_text(out)
    with owner(migrated_url) as connection:
        connection.execute("UPDATE audit_logs SET user_agent = 'somebody else' WHERE id = 2")
    code, out, _ = audit("verify")
    assert code == 1
    assert "Row 2 of audit_logs is not what was chained at position 2" in out
    with owner(migrated_url) as connection:
        connection.execute("DELETE FROM audit_chain")
        chain(connection)
    assert audit("verify")[0] == 0, "an owner may chain anew"
    code, out, _ = audit("verify", "--against", str(saved), "--format", "json")
    jsonschema.validate(json.loads(out), schema)
    assert (code, json.loads(out)["months"][0]["problem"]["kind"]) == (1, "replaced")
    saved.write_text("[]")
    code, _, err = audit("verify", "--against", str(saved))
    assert code == 2
    assert "does not hold heads" in err


def test_with_a_key_values_are_shown_to_who_holds_it(
    audit: Audit, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    code, out, _ = audit("key", str(file))
    assert code == 0
    assert file.read_text().strip() not in out
    assert audit("key", str(file))[0] == 2
    with owner(migrated_url) as connection:
        connection.execute("INSERT INTO projects (key, name) VALUES ('k', 'n')")
        encrypt_pending(connection, read_key_file(file))
        chain(connection, read_key_file(file))
    assert [entry["new_values"] for entry in logged(audit, "--resource", "projects")] == ["[encrypted]"]
    assert "[encrypted]" in audit("log", "--resource", "projects")[1]
    shown = logged(audit, "--resource", "projects", "--encryption-key-file", str(file))
    assert shown[0]["new_values"]["name"] == "n"
    assert audit("verify")[0] == 1, "without the key nothing is shown to be whole"
    monkeypatch.setenv("AGENTFORGE_AUDIT_ENCRYPTION_KEY", file.read_text())
    assert logged(audit, "--resource", "projects") == shown
    assert audit("verify")[0] == 0
    monkeypatch.setenv("AGENTFORGE_AUDIT_ENCRYPTION_KEY", "c2hvcnQ=")
    code, _, err = audit("verify")
    assert code == 2
    assert "c2hvcnQ" not in err
    file.chmod(0o644)
    assert "Others than you may read" in audit("verify", "--encryption-key-file", str(file))[2]


def test_a_key_is_rotated_and_a_broken_chain_is_left_alone(audit: Audit, migrated_url: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    audit("key", str(first))
    audit("key", str(second))
    with owner(migrated_url) as connection:
        connection.execute("INSERT INTO projects (key, name) VALUES ('k', 'n')")
        chain(connection)
    assert audit("rotate-key", "--new-key-file", str(first))[0] == 0
    assert audit("verify", "--encryption-key-file", str(first))[0] == 0
    with owner(migrated_url) as connection:
        connection.execute("UPDATE audit_logs SET user_agent = 'x' WHERE id = 2")
    code, out, err = audit("rotate-key", "--new-key-file", str(second), "--encryption-key-file", str(first))
    assert code == 1
    assert "Row 2" in out
    assert "Nothing was done" in err
    with owner(migrated_url) as connection:
        connection.execute("UPDATE audit_logs SET user_agent = 'agentforge' WHERE id = 2")
    assert audit("rotate-key", "--new-key-file", str(second), "--encryption-key-file", str(first))[0] == 0
    assert audit("verify", "--encryption-key-file", str(second))[0] == 0
    shown = logged(audit, "--resource", "projects", "--encryption-key-file", str(second))
    assert shown[0]["new_values"]["name"] == "n"


def test_a_missing_package_is_named(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    monkeypatch.setenv("AGENTFORGE_AUDIT_ENCRYPTION_KEY", "A" * 43 + "=")
    code, _, err = audit("log")
    assert code == 2
    assert "agentforge[encryption]" in err


def test_times_and_resources_are_read_as_people_write_them() -> None:
    week = parse_time("7d")
    assert week is not None
    assert abs(datetime.now(UTC) - timedelta(days=7) - week) < timedelta(seconds=10)
    assert parse_time("2026-11-25T10:00:00+02:00") == datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert parse_time("2026-11-25") == datetime(2026, 11, 25).astimezone()
    for text in ("yesterday", "7", "-7d", "2026-13-01", "999999999w", ""):
        with pytest.raises(UsageError, match="is not a time"):
            parse_time(text)
    assert parse_resource("users:17") == ("users", 17)
    assert parse_resource("users") == ("users", None)
    with pytest.raises(UsageError):
        parse_resource("users:x")
