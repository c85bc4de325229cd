"""A pattern file that is not usable is answered with the file, the key and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentforge.errors import UsageError
from agentforge.model import Category, PatternType, Severity
from agentforge.patterns import read

GOOD = """
name = "a-name"
type = "smell"
title = "t"
message = "{name} m"
why = "w"
suggestion = "s"
words = [["Open", "read"]]

[[example]]
language = "python"
code = "def f(): pass"
"""


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "a-name.toml"
    file.write_text(text)
    return file


def test_what_is_not_said_follows_from_the_type(tmp_path: Path) -> None:
    pattern = read(write(tmp_path, GOOD))
    assert (pattern.type, pattern.severity, pattern.category) == (PatternType.SMELL, Severity.LOW, Category.QUALITY)
    assert pattern.words == (("open", "read"),)
    assert (pattern.rule_id, pattern.spread, pattern.in_tests) == ("pattern-a-name", 2.0, False)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('type = "smell"', 'type = "odour"', "`type` is `odour`"),
        ('title = "t"', 'titel = "t"', "unknown key `titel`"),
        ('why = "w"', "why = 3", "`why` is of the wrong type"),
        ('why = "w"', 'why = " "', "`why` is missing"),
        ('name = "a-name"', 'name = "A Name"', "lower-case words"),
        ('type = "smell"', 'type = "vulnerability"', "names its `cwe`"),
        ('language = "python"', 'language = "pyhton"', "no language `pyhton`"),
        ('code = "def f(): pass"', 'code = ""', "has no code"),
        ('[["Open", "read"]]', '[["Open", 3]]', "list of texts"),
        ("[[example]]", "[[exmaple]]", "unknown key `exmaple`"),
        ('words = [["Open", "read"]]', "spread = true", "wrong type"),
        ('code = "def f(): pass"', "code = ", "not TOML"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=says) as error:
        read(write(tmp_path, GOOD.replace(old, new)))
    assert "a-name.toml" in str(error.value)
