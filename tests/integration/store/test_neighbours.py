"""Lists of neighbours: exact, whatever comes and goes, and of use to nobody for what he may not read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import psycopg
import pytest
from fix_people import World

from agentforge.cli.database import open_as_owner
from agentforge.store import neighbours
from agentforge.store.connection import DatabaseSettings
from agentforge.store.maintenance import Options, maintain
from agentforge.store.neighbour_lists import Lists
from agentforge.store.similar import Filters, Search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.store.connection import Connection

ADD = """
    WITH made AS (
        INSERT INTO functions (project_id, file_analysis_id, function_name, qualified_name, function_signature,
            start_line, end_line, lines_of_code, parameters, cyclomatic, cognitive, nesting, distinct_operators,
            distinct_operands, operators, operands, halstead_volume, halstead_difficulty, halstead_effort,
            maintainability_index, code_hash, code)
        SELECT project_id, id, 'f', 'f', 's', 10 * n, 10 * n + 3, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 'h', 'c'
        FROM file_analyses, generate_series(%(first)s::integer, %(last)s) AS n ORDER BY n, id
        RETURNING id, project_id
    )
    INSERT INTO function_embeddings
    SELECT id, project_id, 1, ARRAY[cos(angle), sin(angle)]::real[]::vector::halfvec, 'main',
        CASE WHEN id %% 3 = 0 THEN 'go' ELSE 'python' END
    FROM made, LATERAL (SELECT (id * 7919 %% 1009) * 0.003) AS spread (angle)
"""
EXACT = """
    SELECT e.function_id, 1 - (e.embedding <=> s.embedding)
    FROM function_embeddings AS e, function_embeddings AS s
    WHERE s.function_id = %(id)s AND e.function_id <> s.function_id AND e.project_id = ANY (%(projects)s)
      AND (%(language)s::text IS NULL OR e.file_type = %(language)s)
    ORDER BY 2 DESC, 1 LIMIT 10
"""


@pytest.fixture
def owner(world: World) -> Iterator[Connection]:
    """A hundred functions in each of two projects."""
    world.admin.execute(ADD, {"first": 1, "last": 100})
    world.admin.execute("ANALYZE")
    with open_as_owner(DatabaseSettings(url=world.url), print) as connection:
        yield connection


def update(connection: Connection) -> None:
    [model] = neighbours.due(connection, 1)
    assert neighbours.update(connection, model)
    assert neighbours.due(connection, 1) == []


def visible(world: World, user: str) -> set[str]:
    return {"ann": {"open", "closed"}, "aud": {"open", "closed"}, "rob": {"open"}, "wim": {"open"}}.get(user, set())


def compare(world: World, subjects: list[int], users: Sequence[str] = ("ann", "aud", "rob")) -> int:
    """What everybody finds is what a scan of all that he may read finds; returns how many lists were of use."""
    used = 0
    for user in users:
        projects = [world.projects[name] for name in visible(world, user)]
        with world.session(user) as session:
            session.execute("SET search_path = agentforge")
            for subject in subjects:
                for language in (None, "go"):
                    parameters = {"id": subject, "projects": projects, "language": language}
                    expected = world.admin.execute(EXACT, parameters).fetchall()
                    found = Search(session).nearest_to(subject, Filters(None, language, 10, -1.0))
                    assert [match.score for match in found] == pytest.approx([score for _, score in expected], abs=1e-3)
                    used += bool(known(world, session, subject, language))
    return used


def known(world: World, session: psycopg.Connection, subject: int, language: str | None = None) -> list[int]:
    """What the lists say to somebody, before a search fills up what they lack."""
    scope = session.execute("SELECT agentforge.granted_to_read(), agentforge.reads_everything()").fetchone()
    assert scope is not None
    query = "SELECT ids FROM agentforge.listed_neighbours(%s, 1, NULL, %s, 10, %s, %s)"
    row = world.admin.execute(query, (subject, language, *scope)).fetchone()
    assert row is not None
    return row[0] or []


def ids(world: World, project: str, limit: int = 200) -> list[int]:
    query = "SELECT id FROM functions WHERE project_id = %s AND start_line >= 10 ORDER BY id LIMIT %s"
    return [row[0] for row in world.admin.execute(query, (world.projects[project], limit)).fetchall()]


def test_what_lists_give_is_what_a_scan_finds(owner: Connection, world: World) -> None:
    subjects = ids(world, "open")[::25]
    assert compare(world, subjects) == 0
    update(owner)
    assert compare(world, subjects) > len(subjects) * 4
    world.admin.execute("DELETE FROM functions WHERE id %% 5 = 1 AND NOT id = ANY (%s)", (subjects,))
    world.admin.execute(ADD, {"first": 200, "last": 220})
    assert compare(world, subjects) > len(subjects) * 3, "the younger ones were compared one by one"
    update(owner)
    world.admin.execute("ANALYZE")
    assert compare(world, [*subjects, *ids(world, "open")[-3:]]) > len(subjects) * 4
    gone = "SELECT count(*) FROM function_neighbours WHERE function_id NOT IN (SELECT id FROM functions)"
    assert world.admin.execute(gone).fetchone() == (0,)


def test_a_vector_that_changes_is_out_of_the_lists_at_once(owner: Connection, world: World) -> None:
    """As when `agentforge embed` fills meaning in: what was near is far, and the other way round."""
    change = "UPDATE function_embeddings SET embedding = %(vector)s WHERE function_id = ANY (%(ids)s)"
    subjects = ids(world, "open")[::25]
    world.admin.execute(change, {"vector": "[1,0]", "ids": ids(world, "open")[1:4]})
    marks = "SELECT count(*) FROM function_neighbours WHERE coalesce(cardinality(neighbours), 0) = 0"
    assert world.admin.execute(marks).fetchone() == (0,), "there are no lists yet"
    update(owner)
    moved = [*ids(world, "open")[5::20], *ids(world, "closed")[5::20]]
    world.admin.execute(change, {"vector": "[-0.96,0.28]", "ids": moved})
    world.admin.execute(change, {"vector": "[0.6,0.8]", "ids": moved[::2]})
    assert world.admin.execute(marks).fetchone() == (len(moved),)
    assert compare(world, [*subjects, *moved[:2]]) > len(subjects) * 4
    update(owner)
    assert world.admin.execute(marks).fetchone() == (0,)
    assert compare(world, [*subjects, *moved[:2]]) > len(subjects) * 4


def test_a_vector_that_changes_while_lists_are_made_is_not_forgotten(
    owner: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, other = ids(world, "open")[:2]
    refresh = Lists.refresh

    def meanwhile(lists: Lists) -> NDArray[np.int64]:
        world.admin.execute(
            "UPDATE function_embeddings SET embedding = '[-0.6,-0.8]' WHERE function_id = %s", (subject,)
        )
        return refresh(lists)

    monkeypatch.setattr(Lists, "refresh", meanwhile)
    [model] = neighbours.due(owner, 1)
    neighbours.update(owner, model)
    monkeypatch.undo()
    assert compare(world, [subject, other]) > 0
    update(owner)
    assert compare(world, [subject, other]) > 4


COMPLETE = """
    UPDATE function_embeddings SET lacks_meaning = false, embedding = '[0.28,0.96]' WHERE function_id = ANY (%(ids)s)
"""


def test_functions_without_meaning_are_left_out_and_stop_nobody_elses_lists(owner: Connection, world: World) -> None:
    subjects, others = ids(world, "open")[::25], ids(world, "closed")
    lacking = [others[0], *others[10::20], others[-1]]
    lack = "UPDATE function_embeddings SET lacks_meaning = true, embedding = '[1,0]' WHERE function_id = ANY (%(ids)s)"
    world.admin.execute(lack, {"ids": lacking})
    update(owner)
    listed = "SELECT FROM function_neighbours WHERE function_id = ANY (%(ids)s) OR neighbours && %(ids)s::integer[]"
    assert world.admin.execute(listed, {"ids": lacking}).fetchall() == []
    assert compare(world, subjects, ["rob"]) == len(subjects) * 2
    world.admin.execute(COMPLETE, {"ids": lacking})
    assert compare(world, subjects) == len(subjects) * 6, "what is complete now was compared one by one"
    assert compare(world, lacking, ["ann", "aud"]) == 0
    update(owner)
    assert compare(world, lacking, ["ann", "aud"]) == len(lacking) * 4


def test_meaning_that_is_filled_in_while_lists_are_made_is_not_forgotten(
    owner: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, youngest = ids(world, "closed")[0], ids(world, "closed")[-1]
    world.admin.execute("UPDATE function_embeddings SET lacks_meaning = true WHERE function_id = %s", (youngest,))
    refresh = Lists.refresh

    def meanwhile(lists: Lists) -> NDArray[np.int64]:
        world.admin.execute(COMPLETE, {"ids": [youngest]})
        return refresh(lists)

    monkeypatch.setattr(Lists, "refresh", meanwhile)
    [model] = neighbours.due(owner, 1)
    neighbours.update(owner, model)
    monkeypatch.undo()
    assert compare(world, [subject, youngest], ["ann"]) == 2
    update(owner)
    assert compare(world, [subject, youngest], ["ann"]) == 4


def test_functions_that_nobody_embedded_are_not_younger_than_the_lists_for_ever(
    owner: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `analyze --embed none` of a large project; one of them gets a vector while that is noted."""
    subject = ids(world, "open")[0]
    update(owner)
    world.admin.execute("SELECT setval('functions_id_seq', last_value + 6000) FROM functions_id_seq")
    world.admin.execute(ADD, {"first": 300, "last": 300})
    late = ids(world, "open")[-1]
    world.admin.execute(
        "CREATE TEMPORARY TABLE late AS SELECT * FROM function_embeddings WHERE function_id = %s", (late,)
    )
    world.admin.execute("DELETE FROM function_embeddings WHERE function_id >= %s", (late,))
    with world.session("rob") as session:
        assert known(world, session, subject) == []
    refresh = Lists.refresh

    def meanwhile(lists: Lists) -> NDArray[np.int64]:
        world.admin.execute("INSERT INTO function_embeddings SELECT * FROM late WHERE function_id = %s", (late,))
        return refresh(lists)

    monkeypatch.setattr(Lists, "refresh", meanwhile)
    [model] = neighbours.due(owner, 1)
    assert neighbours.update(owner, model) == 0
    monkeypatch.undo()
    assert compare(world, [subject, late], ["rob"]) == 2
    update(owner)
    assert compare(world, [subject, late], ["rob"]) == 4


def copied(world: World) -> list[int]:
    """The functions of which there is a copy; each copy is what the vector is."""
    query = """
        SELECT u.function_id, u.embedding::text = e.embedding::text
        FROM unlisted_vectors AS u JOIN function_embeddings AS e USING (function_id, model_id) ORDER BY 1
    """
    rows = world.admin.execute(query).fetchall()
    assert all(same for _, same in rows)
    return [function_id for function_id, _ in rows]


def test_vectors_that_no_list_holds_are_copied(owner: Connection, world: World) -> None:
    assert copied(world) == [], "there are no lists yet"
    update(owner)
    world.admin.execute(ADD, {"first": 200, "last": 203})
    moved = ids(world, "open")[3]
    for vector, function_id in (("[-0.96,0.28]", moved), ("[0.6,0.8]", ids(world, "open")[-1])):
        change = "UPDATE function_embeddings SET embedding = %s WHERE function_id = %s"
        world.admin.execute(change, (vector, function_id))
    younger = sorted(ids(world, "open", 300)[100:] + ids(world, "closed", 300)[100:])
    assert copied(world) == [moved, *younger]
    world.admin.execute("DELETE FROM functions WHERE id = %s", (younger[0],))
    update(owner)
    assert world.admin.execute("SELECT count(*) FROM unlisted_vectors").fetchone() == (0,)


def test_lists_that_are_there_are_kept_up_to_date_however_few(owner: Connection, world: World) -> None:
    assert neighbours.due(owner) == [], "there are too few vectors to begin"
    update(owner)
    assert neighbours.due(owner) == []
    world.admin.execute(ADD, {"first": 200, "last": 203})
    [model] = neighbours.due(owner)
    assert neighbours.update(owner, model)
    assert copied(world) == []


def test_lists_and_copies_go_with_the_last_vector_of_a_model(owner: Connection, world: World) -> None:
    update(owner)
    world.admin.execute(ADD, {"first": 200, "last": 203})
    world.admin.execute("DELETE FROM function_embeddings")
    [model] = neighbours.due(owner)
    neighbours.update(owner, model)
    assert neighbours.due(owner) == []
    left = """SELECT listed_up_to, (SELECT count(*) FROM function_neighbours), (SELECT count(*) FROM unlisted_vectors)
              FROM embedding_models WHERE id = 1"""
    assert world.admin.execute(left.encode()).fetchone() == (0, 0, 0)


def test_a_statement_of_more_than_a_search_compares_leaves_no_copies_and_rests_the_lists(
    owner: Connection, world: World
) -> None:
    update(owner)
    subject = ids(world, "open")[0]
    world.admin.execute(ADD, {"first": 200, "last": 2800})
    assert copied(world) == []
    with world.session("ann") as session:
        assert known(world, session, subject) == []


def test_a_list_shows_nobody_what_he_may_not_read(owner: Connection, world: World) -> None:
    update(owner)
    mine, others = ids(world, "open"), ids(world, "closed")
    readable: dict[str, Set[int]] = {"rob": set(mine), "ann": set(mine) | set(others), "eve": set()}
    for user, allowed in readable.items():
        with world.session(user) as session:
            assert bool(known(world, session, mine[0])) == (mine[0] in allowed)
            assert bool(known(world, session, others[0])) == (others[0] in allowed)
            assert set(known(world, session, mine[0])) | set(known(world, session, others[0])) <= allowed
            for statement in (
                "SELECT * FROM agentforge.function_neighbours",
                "SELECT * FROM agentforge.unlisted_vectors",
                "SELECT agentforge.scope_of('{1}', '{1}', NULL)",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(statement.encode())
    with world.session("rob") as session:
        scope = session.execute("SELECT projects FROM agentforge.search_scope(%s, NULL)", ([world.projects["closed"]],))
        assert scope.fetchone() == ([],)


def test_how_many_of_a_list_are_his_does_not_show(owner: Connection, world: World) -> None:
    """It would tell how many functions of projects that he may not read are nearer than those of his."""
    update(owner)
    query = """
        SELECT count(*) FROM agentforge.nearest_functions(%s, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, %s)
    """
    with world.session("rob") as session:
        for most in (1, 16, 64, 90):
            assert session.execute(query.encode(), (ids(world, "open")[0], most)).fetchone() == (most,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT agentforge.listed_neighbours(1, 1, NULL, NULL, 1, '{1}', true)")


def test_a_function_that_goes_while_it_is_found_is_still_shown(owner: Connection, world: World) -> None:
    """Finding reads no files, showing does: it waits for them until one of the functions has gone."""
    update(owner)
    subject = ids(world, "open")[0]

    def search(function_id: int) -> list[int]:
        with world.session("rob") as session:
            session.execute("SET search_path = agentforge")
            return [
                match.function.id for match in Search(session).nearest_to(function_id, Filters(None, None, 10, -1.0))
            ]

    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'file_analyses'::regclass"
    nearest = search(subject)
    with ThreadPoolExecutor() as threads:
        with world.admin.transaction():
            world.admin.execute("LOCK TABLE file_analyses")
            answer = threads.submit(search, subject)
            while world.admin.execute(waits).fetchone() == (0,) and not answer.done():
                time.sleep(0.01)
            world.admin.execute("DELETE FROM functions WHERE id = %s", (nearest[0],))
        found = answer.result()
    assert found == nearest
    assert nearest[0] not in search(subject)


def test_what_overlaps_a_function_is_not_near_it(owner: Connection, world: World) -> None:
    subject = ids(world, "open")[0]
    copy = """
        WITH made AS (
            INSERT INTO functions (project_id, file_analysis_id, function_name, qualified_name, function_signature,
                start_line, end_line, lines_of_code, parameters, cyclomatic, cognitive, nesting, distinct_operators,
                distinct_operands, operators, operands, halstead_volume, halstead_difficulty, halstead_effort,
                maintainability_index, code_hash, code)
            SELECT project_id, file_analysis_id, 'inner', 'inner', 's', end_line, end_line, 1, 0, 1, 0, 0, 0, 0,
                0, 0, 0, 0, 0, 100, 'h', 'c' FROM functions WHERE id = %(id)s
            RETURNING id, project_id
        )
        INSERT INTO function_embeddings
        SELECT made.id, made.project_id, 1, e.embedding, 'main', 'python'
        FROM made, function_embeddings AS e WHERE e.function_id = %(id)s RETURNING function_id
    """
    inner = world.admin.execute(copy, {"id": subject}).fetchone()
    assert inner is not None
    for listed in (False, True):
        if listed:
            update(owner)
        with world.session("ann") as session:
            session.execute("SET search_path = agentforge")
            assert bool(known(world, session, subject)) == listed
            found = Search(session).nearest_to(subject, Filters(None, None, 10, -1.0))
            assert inner[0] not in {match.function.id for match in found}


def test_maintenance_fills_them_and_waits_for_nobody(
    owner: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "due", lambda connection, rows=1, due=neighbours.due: due(connection, rows))

    def done(options: Options) -> str:
        steps = maintain(owner, options, {"neighbours"})
        assert steps is not None
        assert steps[0].error is None
        return steps[0].done

    assert done(Options(dry_run=True)).endswith("would be brought up to date")
    with psycopg.connect(world.url) as writer:
        writer.execute("UPDATE agentforge.functions SET cognitive = 7 WHERE id = 1")
        assert done(Options()).endswith("functions are being written")
    assert done(Options()) == "204 of the lists of neighbours of model 1 written"
    assert done(Options()) == ""
