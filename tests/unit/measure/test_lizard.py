"""Functions and their cyclomatic complexity equal lizard's on real code, but for the differences on purpose."""

from __future__ import annotations

import pytest
from lizard_reference import DATA, Comparison, bare, compare, differences, theirs
from real_code import files

from agentforge import languages, parse
from agentforge.measure import measure

# lizard knows no Bash, and Python's figures are radon's.
LANGUAGES = [name for name in languages.names() if name not in ("bash", "python")]
EXAMPLES = [
    pytest.param(language, entry, id=f"{language}-{index}")
    for language in LANGUAGES
    for index, entry in enumerate(differences(language)["difference"])
    if "example" in entry
]


@pytest.fixture(scope="module", params=LANGUAGES)
def compared(request: pytest.FixtureRequest) -> tuple[str, Comparison]:
    return request.param, compare(request.param, list(files(request.param)))


def test_nothing_differs_without_a_reason(compared: tuple[str, Comparison]) -> None:
    _, result = compared
    assert result.lines > 10_000
    assert result.both > 50
    assert not result.unexplained


def test_every_function_that_is_listed_by_name_still_differs(compared: tuple[str, Comparison]) -> None:
    language, result = compared
    listed = {name for entry in differences(language)["difference"] for name in entry.get("functions", ())}
    assert result.listed == listed


def test_every_language_has_its_differences_and_no_other() -> None:
    assert sorted(file.stem for file in DATA.glob("*.toml")) == sorted(LANGUAGES)


@pytest.mark.parametrize(("language", "entry"), EXAMPLES)
def test_a_difference_is_still_one(language: str, entry: dict[str, object]) -> None:
    code = str(entry["example"]).lstrip()
    decoded = parse.decode(code.encode())
    ours = {item.name: item.cyclomatic for item in measure(parse.parse(language, decoded), decoded).functions}
    found = theirs(language, f"x{languages.get(language).extensions[0]}", code)
    assert ours == entry["ours"]
    assert {bare(item.name): item.cyclomatic_complexity for item in found} == entry["lizard"]
    assert entry["ours"] != entry["lizard"]
