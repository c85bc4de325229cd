"""A sentence finds the function that does what it says, whoever may read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from fix_bench import Bench
from fix_people import World
from hypothesis import given
from hypothesis import strategies as st

from agentforge.errors import UsageError
from agentforge.model import TextMatch
from agentforge.pipeline.search import Request, fused, search_text
from agentforge.store.similar import Search
from agentforge.store.text_search import TextSearch, Wanted

SOURCE = """
import datetime


def parseDate(text):
    return datetime.datetime.strptime(text, "%Y-%m-%d").date()


class HTTPClient:
    def fetch_with_retries(self, url):
        for attempt in range(3):
            try:
                return self.open(url)
            except TimeoutError:
                continue
        return None


def shorten(words):
    # Ellipsis at the end where the sentence is cut.
    return words[:10] + ["..."]
"""
GO = """package shop

func totalOfOrders(orders []Order) int {
	total := 0
	for _, order := range orders {
		total += order.Amount
	}
	return total
}
"""
REQUEST = Request("", None, None, None, False, 10)


@pytest.fixture(scope="module")
def stored(shared_bench: Bench) -> Bench:
    shared_bench.write("app.py", SOURCE)
    shared_bench.write("shop.go", GO)
    shared_bench.write("tests/test_app.py", "def test_that_a_date_is_parsed(app):\n    assert app.parse_date()\n")
    shared_bench.analyze()
    return shared_bench


def find(bench: Bench, text: str, **wanted: Any) -> Sequence[TextMatch]:
    search = TextSearch(bench.connection, Search(bench.connection))
    return search_text(search, replace(REQUEST, text=text, **wanted)).matches


def first(bench: Bench, text: str, **wanted: Any) -> str:
    return next((match.function.qualified_name for match in find(bench, text, **wanted)), "")


def by_words(bench: Bench, text: str, **wanted: Any) -> list[str]:
    return [match.function.qualified_name for match in find(bench, text, **wanted) if match.word_rank]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("parsing dates", "parseDate"),  # stems, and a name in camelCase
        ("parse_date", "parseDate"),  # another way to write it
        ("http client", "HTTPClient.fetch_with_retries"),  # an acronym beside a word
        ("retry on timeouts", "HTTPClient.fetch_with_retries"),  # a name and an identifier of the body
        ("put an ellipsis where a sentence is cut", "shorten"),  # a comment
        ("strptime", "parseDate"),
        ("sum of orders' amounts", "totalOfOrders"),
    ],
)
def test_by_names_identifiers_and_comments(stored: Bench, text: str, name: str) -> None:
    assert first(stored, text) == name


def test_filters(stored: Bench) -> None:
    assert by_words(stored, "parsed date") == ["parseDate"]
    assert set(by_words(stored, "parsed date", tests=True)) == {"parseDate", "test_that_a_date_is_parsed"}
    everything = "date url words total"
    assert len(by_words(stored, everything)) == 4
    assert by_words(stored, everything, language="go") == ["totalOfOrders"]
    assert by_words(stored, everything, kind="method") == ["HTTPClient.fetch_with_retries"]
    assert set(by_words(stored, everything, kind="function")) == {"parseDate", "shorten", "totalOfOrders"}
    assert len(find(stored, everything, limit=1)) == 1
    assert {match.function.qualified_name for match in find(stored, everything, kind="method")} == {
        "HTTPClient.fetch_with_retries"
    }, "vectors obey the filters, too"


def test_what_is_written_in_front_of_a_long_function_counts_more_than_words_of_a_short_one(bench: Bench) -> None:
    body = "".join(f"  const part{number} = other{number}(unit{number});\n" for number in range(300))
    bench.write(
        "settings.js",
        f"/** Reads the settings of a user.\n * @param home where */\nfunction load(home) {{\n{body}}}\n\n"
        "function store(user) {\n  return user.settings;\n}\n",
    )
    bench.analyze()
    found = find(bench, "read the settings of a user")
    assert [match.function.qualified_name for match in found] == ["load", "store"]
    assert [match.function.description for match in found] == ["Reads the settings of a user", ""]


# Words whose stems differ in their last letter, or from the second on, and one that is within another's.
ENDINGS = """
def watch(process):
    if process.dying or process.isTrained():
        process.flies = constrained(process.fly, tied="HTTPTies", utf8=True)
    return responsibilities(process)
"""


@pytest.mark.parametrize(
    "text",
    [
        "die",
        "flying ties",
        "train",
        "trained utf8",
        "sensible responsibility",
        "watch the process fly",
        SOURCE + ENDINGS,
    ],
)
def test_words_are_weighed_as_all_the_words_of_a_function_say(bench: Bench, text: str) -> None:
    bench.write("watch.py", ENDINGS)
    bench.write("app.py", SOURCE)
    bench.analyze()
    weighed = bench.connection.execute(
        """
        WITH asked AS (
            SELECT lexeme FROM unnest(to_tsvector('english', agentforge.split_words(%(text)s)))
        ), had AS (
            SELECT f.id, w.lexeme, (
                SELECT sum(CASE p WHEN 'A' THEN 8 WHEN 'B' THEN 4 ELSE 1 / (0.25 + 0.75 * length(f.code) / 500) END)
                FROM unnest(w.weights) AS p
            ) AS times
            FROM agentforge.functions AS f,
                 unnest(agentforge.search_words(f.qualified_name, f.description, f.code)) AS w
            WHERE w.lexeme IN (SELECT lexeme FROM asked)
        ), rarity AS (
            SELECT lexeme, ln(1 + (SELECT count(*) FROM agentforge.functions) / count(*)::double precision) AS weight
            FROM had GROUP BY lexeme
        )
        SELECT id, sum(weight * times * 2.2 / (times + 1.2)) FROM had JOIN rarity USING (lexeme) GROUP BY id
        """,
        {"text": text},
    ).fetchall()
    found = bench.connection.execute(
        "SELECT function_id, score FROM agentforge.functions_by_words(%s, NULL, NULL, NULL, TRUE, 100)", [text]
    ).fetchall()
    assert found
    assert dict(found) == pytest.approx(dict(weighed))


def test_a_function_inside_a_function_is_no_method(bench: Bench) -> None:
    bench.write("a.py", "def outer():\n    def flatten(rows):\n        return [*rows]\n    return flatten\n")
    bench.analyze()
    assert "outer.flatten" in by_words(bench, "flatten", kind="function")
    assert by_words(bench, "flatten", kind="method") == []


def test_what_cannot_be_asked_is_explained(bench: Bench) -> None:
    with pytest.raises(UsageError, match="No project is stored yet"):
        find(bench, "date")
    bench.write("app.py", SOURCE)
    bench.analyze()
    with pytest.raises(UsageError, match="no words"):
        find(bench, " ... ")
    with pytest.raises(UsageError, match="no project shop"):
        find(bench, "date", project="shop")
    with pytest.raises(UsageError, match="no language pyton"):
        find(bench, "date", language="pyton")
    with pytest.raises(UsageError, match="no kind clas"):
        find(bench, "date", kind="clas")


@pytest.mark.parametrize(
    "text", ["the", "Ärger über Straßen", "'; DROP TABLE functions; --", "a & b | !c:*", "x" * 5000, "日本"]
)
def test_any_text_is_answered(stored: Bench, text: str) -> None:
    assert all(match.word_rank is None or match.word_rank <= 100 for match in find(stored, text))


def test_a_function_of_twenty_thousand_lines_is_stored_and_found(bench: Bench) -> None:
    lines = "".join(f"    value_{number} = name_{number}(option_{number})\n" for number in range(20_000))
    bench.write("big.py", f"def enormousTable():\n{lines}")
    bench.analyze()
    assert first(bench, "enormous table") == "enormousTable"


def test_nobody_finds_what_he_may_not_read(world: World) -> None:
    ids = {name: world.projects[name] for name in ("open", "closed")}

    def found(user: str | None) -> set[int]:
        with world.session(user) as session:
            search = TextSearch(session, Search(session))
            rows = [
                *search.by_words("secret code", Wanted(None, None, None, tests=True, limit=100)),
                *search.by_words("secret code", Wanted(tuple(ids.values()), None, None, tests=True, limit=100)),
            ]
        owners = world.admin.execute("SELECT id, project_id FROM functions").fetchall()
        return {project for function_id, project in owners if function_id in rows}

    assert found("ann") == found("aud") == set(ids.values())
    assert found("wim") == found("rob") == {ids["open"]}
    assert found("eve") == found(None) == set()


@given(st.lists(st.integers(0, 50), unique=True, max_size=20), st.lists(st.integers(0, 50), unique=True, max_size=20))
def test_fusion_keeps_an_order_on_which_both_agree(words: list[int], near: list[int]) -> None:
    scores = fused(words, near)
    assert set(scores) == {*words, *near}
    assert all(0 < score <= 1 for score in scores.values())
    shared = [item for item in words if item in near]
    for one, other in pairwise(shared):
        if near.index(one) < near.index(other):
            assert scores[one] > scores[other]
