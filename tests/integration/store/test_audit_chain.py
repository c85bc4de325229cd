"""Whoever changes, removes or slips in a row of the audit trail breaks its chain, and the row is named."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.cli.database import open_as_owner
from agentforge.errors import UsageError
from agentforge.store import audit_encryption
from agentforge.store.audit_chain import Head, Month, chain, serialise, verify
from agentforge.store.audit_encryption import encrypt_pending, rotate
from agentforge.store.audit_key import AuditKey, create_key_file, read_key, read_key_file
from agentforge.store.audit_log import ENCRYPTED, Filter, entries
from agentforge.store.connection import DatabaseSettings

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
WRITE = (
    "INSERT INTO audit_logs (action, resource_type, old_values, new_values, created_at) "
    "SELECT 'LOGIN', 'row ' || n, '{\"a\": 1}', jsonb_build_object('a', n), time + n * interval '1 minute' "
    "FROM generate_series(1, %s) AS n, CAST(%s AS timestamptz) AS time"
)
COLUMNS = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=5)


def new_key() -> AuditKey:
    return read_key(base64.b64encode(os.urandom(32)).decode())


@pytest.fixture
def owner(migrated_url: str) -> Iterator[Connection]:
    """The owner of a database, whose trail has ten rows in January, ten in February, and a few of today."""
    with open_as_owner(DatabaseSettings(url=migrated_url), print) as connection:
        connection.execute(WRITE, (10, "2026-01-31 12:00:00+00"))
        connection.execute(WRITE, (10, "2026-02-28 12:00:00+00"))
        yield connection


def row_id(connection: Connection, number: int, month: str = "2026-02-28") -> int:
    row = connection.execute(
        "SELECT id FROM audit_logs WHERE resource_type = %s AND created_at::date = %s", (f"row {number}", month)
    ).fetchone()
    assert row is not None
    return int(row[0])


def problems(months: tuple[Month, ...]) -> dict[date, tuple[str, int | None]]:
    return {month.head.month: (month.problem.kind, month.problem.log_id) for month in months if month.problem}


def today(connection: Connection) -> date:
    row = connection.execute("SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date").fetchone()
    assert row is not None
    return date.fromisoformat(str(row[0]))


@given(COLUMNS, COLUMNS)
def test_two_different_rows_never_serialise_the_same(one: list[str | None], other: list[str | None]) -> None:
    assert (serialise(one) == serialise(other)) == (one == other)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), min_size=2, max_size=4), st.data())
def test_text_cannot_move_between_columns(columns: list[str], data: st.DataObject) -> None:
    joined = "".join(columns)
    cut = data.draw(st.integers(0, len(joined)))
    moved = [joined[:cut], joined[cut:], *[""] * (len(columns) - 2)]
    assert (serialise(columns) == serialise(moved)) == (columns == moved)


def test_rows_are_chained_once_in_batches_and_a_month_has_a_chain_of_its_own(owner: Connection) -> None:
    chained = chain(owner, batch_rows=7)
    assert owner.execute("SELECT count(*) - 1 FROM audit_logs").fetchone() == (chained,), "all but the last batch's own"
    months = verify(owner)
    assert [month.head.month for month in months] == [JANUARY, FEBRUARY, today(owner)]
    assert [month.head.position for month in months][:2] == [10, 10]
    assert not problems(months)
    assert chain(owner) == 1, "the row about the last batch"


ATTACKS = [
    ("UPDATE audit_logs SET new_values = '{\"a\": 4}' WHERE id = %(third)s", "changed", True),
    ("UPDATE audit_logs SET user_id = 17 WHERE id = %(third)s", "changed", True),
    ("UPDATE audit_logs SET created_at = created_at + interval '1 microsecond' WHERE id = %(third)s", "changed", True),
    ("UPDATE audit_logs SET created_at = created_at + interval '40 days' WHERE id = %(third)s", "changed", True),
    ("DELETE FROM audit_logs WHERE id = %(third)s", "removed", True),
    (
        "WITH gone AS (DELETE FROM audit_logs WHERE id = %(third)s) "
        "DELETE FROM audit_chain WHERE log_id = %(third)s AND month = '2026-02-01'",
        "removed",
        False,
    ),
    (
        "UPDATE audit_chain AS c SET log_id = o.log_id, log_created_at = o.log_created_at FROM audit_chain AS o "
        "WHERE c.log_id IN (%(third)s, %(third)s + 1) AND o.log_id = 2 * %(third)s + 1 - c.log_id",
        "changed",
        False,
    ),
    ("UPDATE audit_chain SET hash = sha256('') WHERE log_id = %(third)s", "changed", True),
]


def test_the_first_row_that_was_changed_removed_or_moved_is_named(owner: Connection) -> None:
    chain(owner)
    third = row_id(owner, 3)
    owner.execute("DROP INDEX audit_chain_log")  # an owner may do that, too
    for table in ("audit_logs", "audit_chain"):
        owner.execute(f"CREATE TABLE kept_{table} AS TABLE {table}".encode())
    for attack, kind, is_third in ATTACKS:
        owner.execute(attack.encode(), {"third": third})
        months = verify(owner)
        found = problems(months)
        assert found.pop(date(2026, 4, 1), None) in (None, ("inserted", third)), (
            "and it is too much where it says it is"
        )
        assert found.keys() == {FEBRUARY}, attack
        assert found[FEBRUARY][0] == kind, attack
        assert not is_third or found[FEBRUARY][1] == third, attack
        problem = next(month.problem for month in months if month.problem)
        assert problem.position == 3, attack
        for table in ("audit_logs", "audit_chain"):
            owner.execute(f"TRUNCATE {table}".encode())
            owner.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE kept_{table}".encode())
    assert not problems(verify(owner))


def test_a_row_that_is_inserted_afterwards_is_named(owner: Connection) -> None:
    chain(owner)
    owner.execute(WRITE, (1, "2026-01-31 15:00:00+00"))
    forged = row_id(owner, 1, "2026-01-31")
    newest = owner.execute("SELECT max(id) FROM audit_logs WHERE created_at < '2026-02-01'").fetchone()
    assert newest is not None
    assert newest[0] > forged
    chain(owner)
    assert problems(verify(owner)) == {JANUARY: ("inserted", newest[0])}


def test_a_row_that_was_chained_by_hand_afterwards_is_named(owner: Connection) -> None:
    chain(owner)
    owner.execute("CREATE TABLE kept AS SELECT * FROM audit_chain WHERE month <> '2026-01-01'")
    owner.execute(WRITE, (1, "2026-01-31 15:00:00+00"))
    owner.execute("TRUNCATE audit_chain")
    chain(owner)  # hashes of January as they would have to be
    owner.execute("DELETE FROM audit_chain WHERE month <> '2026-01-01'")
    owner.execute("INSERT INTO audit_chain SELECT * FROM kept")
    owner.execute("DROP TABLE kept")
    assert problems(verify(owner))[JANUARY][0] == "inserted"


def test_a_row_that_commits_late_is_chained_later_and_is_no_finding(owner: Connection, migrated_url: str) -> None:
    owner.execute("INSERT INTO projects (key, name) VALUES ('late', 'n')")
    with psycopg.connect(migrated_url, options="-c search_path=agentforge") as late:
        late.execute("UPDATE projects SET name = 'm' WHERE key = 'late'")
        first = late.execute("SELECT max(id) FROM audit_logs").fetchone()
        owner.execute("INSERT INTO projects (key, name) VALUES ('early', 'n')")
        chain(owner)
        late.commit()
    assert chain(owner) >= 2
    order = owner.execute("SELECT log_id FROM audit_chain ORDER BY month, position").fetchall()
    assert first in order
    assert order != sorted(order)
    assert not problems(verify(owner))


def test_moving_rows_between_partitions_breaks_nothing(owner: Connection) -> None:
    chain(owner)
    before = verify(owner)
    owner.execute("SELECT rollover_partitions('audit_logs')")
    assert owner.execute("SELECT count(*) FROM audit_logs_default").fetchone() == (0,)
    assert verify(owner) == before
    chain(owner)
    assert not problems(verify(owner))


def test_a_chain_made_anew_is_found_by_a_saved_head(owner: Connection) -> None:
    chain(owner)
    saved = [month.head for month in verify(owner)]
    owner.execute("INSERT INTO projects (key, name) VALUES ('k', 'n')")
    chain(owner)
    assert not problems(verify(owner, saved=saved)), "a chain that goes on still holds it"
    owner.execute("UPDATE audit_logs SET action = 'LOGOUT' WHERE resource_type = 'row 3' AND created_at < '2026-02-01'")
    owner.execute("DELETE FROM audit_chain")
    chain(owner)
    assert not problems(verify(owner)), "an owner without a key can do that"
    assert problems(verify(owner, saved=saved))[JANUARY] == ("replaced", None)


def test_a_month_that_is_cut_short_or_gone_is_found_by_a_saved_head(owner: Connection) -> None:
    chain(owner)
    saved = [month.head for month in verify(owner)]
    owner.execute("DELETE FROM audit_logs WHERE resource_type = 'row 10' AND created_at >= '2026-02-01'")
    owner.execute("DELETE FROM audit_chain WHERE month = '2026-02-01' AND position = 10")
    owner.execute("DELETE FROM audit_logs WHERE created_at < '2026-02-01'")
    owner.execute("SELECT drop_chain('2026-01-01')")
    assert not problems(verify(owner))
    assert problems(verify(owner, saved=saved)) == {JANUARY: ("removed", None), FEBRUARY: ("removed", None)}


def test_a_month_past_its_retention_goes_with_its_chain(owner: Connection) -> None:
    chain(owner)
    saved = [month.head for month in verify(owner)]
    owner.execute("UPDATE partition_settings SET retention = '1 month' WHERE table_name = 'audit_logs'")
    owner.execute("DELETE FROM audit_logs WHERE created_at < '2026-02-01'")
    assert owner.execute("SELECT drop_chain('2026-01-31')").fetchone() == (10,)
    assert not problems(verify(owner, saved=saved))


def test_a_backlog_of_which_a_part_was_chained_is_chained_on(owner: Connection) -> None:
    chain(owner, batch_rows=15)
    owner.execute("DELETE FROM audit_chain WHERE month > '2026-02-01' OR position > 5 AND month = '2026-02-01'")
    chain(owner)
    assert not problems(verify(owner))


def test_with_a_key_the_chain_cannot_be_made_anew_without_it(owner: Connection) -> None:
    key = new_key()
    encrypt_pending(owner, key)
    chain(owner, key)
    assert not problems(verify(owner, key))
    owner.execute("DELETE FROM audit_chain")
    chain(owner)
    assert {kind for kind, _ in problems(verify(owner, key)).values()} == {"changed"}
    with pytest.raises(UsageError, match="made with no key"):
        chain(owner, key)
    with pytest.raises(UsageError, match="rotate-key"):
        owner.execute("INSERT INTO projects (key, name) VALUES ('k', 'n')")
        encrypt_pending(owner, key)


def test_values_are_encrypted_before_they_are_chained_and_come_back_with_the_key(owner: Connection) -> None:
    key = new_key()
    assert chain(owner, key) == 0, "they wait"
    assert encrypt_pending(owner, key, batch_rows=8) > 20
    plain = owner.execute("SELECT count(*) FROM audit_logs WHERE new_values ? 'a' OR old_values ? 'a'").fetchone()
    assert plain == (0,)
    wanted = Filter(resource="row 3")
    assert [(entry.old_values, entry.new_values) for entry in entries(owner, wanted, key)] == [({"a": 1}, {"a": 3})] * 2
    assert {entry.new_values for entry in entries(owner, wanted, None)} == {ENCRYPTED}
    assert {entry.new_values for entry in entries(owner, wanted, new_key())} == {ENCRYPTED}


def test_a_ciphertext_cannot_move_to_another_row_or_column() -> None:
    key = new_key()
    value = json.loads(key.encrypt("secret", 7, "new_values"))
    assert key.decrypt(value, 7, "new_values") == "secret"
    for log_id, column in ((8, "new_values"), (7, "old_values")):
        with pytest.raises(UsageError, match="cannot be decrypted"):
            key.decrypt(value, log_id, column)
    with pytest.raises(UsageError, match="cannot be decrypted"):
        key.decrypt({**value, "data": value["data"][:-8] + "AAAAAAA="}, 7, "new_values")


def test_a_rotation_that_is_interrupted_goes_on_where_it_was(
    owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = new_key(), new_key()
    encrypt_pending(owner, old)
    chain(owner, old)
    done = []
    original = audit_encryption.read_links

    def interrupted(connection: Connection, month: date, batch_rows: int) -> Iterator[object]:
        if month == FEBRUARY:
            yield next(iter(original(connection, month, 4)))
            raise KeyboardInterrupt
        yield from original(connection, month, batch_rows)

    monkeypatch.setattr(audit_encryption, "read_links", interrupted)
    with pytest.raises(KeyboardInterrupt):
        done += list(rotate(owner, old, new))
    monkeypatch.undo()
    assert problems(verify(owner, old)).keys() == {JANUARY}
    assert not problems(verify(owner, old, next_key=new))
    assert list(rotate(owner, old, new)) == [FEBRUARY, today(owner)]
    assert not problems(verify(owner, new))
    wanted = Filter(resource="row 3")
    assert [entry.new_values for entry in entries(owner, wanted, new)] == [{"a": 3}] * 2
    assert {entry.new_values for entry in entries(owner, wanted, old)} == {ENCRYPTED}


def test_a_first_key_encrypts_what_was_plain_and_a_broken_month_is_not_chained_anew(owner: Connection) -> None:
    key = new_key()
    chain(owner)
    owner.execute("UPDATE audit_logs SET action = 'LOGIN_FAILED' WHERE id = %s", (row_id(owner, 2),))
    with pytest.raises(UsageError, match="2026-02 cannot be chained anew"):
        list(rotate(owner, None, key))
    assert problems(verify(owner, None, next_key=key)) == {FEBRUARY: ("changed", row_id(owner, 2))}
    owner.execute("UPDATE audit_logs SET action = 'LOGIN' WHERE action = 'LOGIN_FAILED'")
    list(rotate(owner, None, key))
    assert not problems(verify(owner, key))
    assert owner.execute("SELECT count(*) FROM audit_logs WHERE new_values ? 'a'").fetchone() == (0,)


def test_a_rotation_shows_in_saved_heads(owner: Connection) -> None:
    key = new_key()
    chain(owner)
    saved: list[Head] = [month.head for month in verify(owner)]
    list(rotate(owner, None, key))
    found = verify(owner, key, saved)
    assert {kind for kind, _ in problems(found).values()} == {"replaced"}
    assert all("another key" in month.problem.text for month in found if month.problem)
    assert replace(saved[0], key_id=key.id, hash=found[0].head.hash) == found[0].head


def test_a_key_file_is_for_its_owner_alone_and_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "key"
    made = create_key_file(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_key_file(file).id == made.id
    with pytest.raises(UsageError, match="exists already"):
        create_key_file(file)
    file.chmod(0o640)
    with pytest.raises(UsageError, match="Others than you may read"):
        read_key_file(file)
    secret = file.read_text().strip()
    assert secret not in repr(made)
    for text in ("", "AAAA", secret + "AA", "§"):
        with pytest.raises(UsageError) as caught:
            read_key(text)
        assert secret not in str(caught.value)
