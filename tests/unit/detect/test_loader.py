"""A mistake in a rule file is named with its file, line and entry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agentforge.detect.loader import collect
from agentforge.detect.rule_set import RuleSet
from agentforge.errors import UsageError

GOOD = """
[[rule]]
id = "no-eval"
name = "No eval"
category = "security"
severity = "high"
confidence = "high"
cwe = 95
message = "{function} runs text as code"
why = "Whoever writes the text runs code."
suggestion = "Parse it."
literals = ["eval"]
query = '((call function: (identifier) @function) @at (#eq? @function "eval"))'
bad = ["eval(x)"]
good = ["evaluate(x)"]
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "rules.toml"
    file.write_text(text)
    return file


def test_a_good_file_is_read(tmp_path: Path) -> None:
    (rule,) = collect("python", [write(tmp_path, GOOD)])
    assert (rule.id, rule.cwe, rule.literals) == ("no-eval", 95, (b"eval",))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('category = "security"', 'category = "secrity"', "must be one of quality, security"),
        ('name = "No eval"', 'nam = "No eval"', "unknown key `nam`"),
        ("cwe = 95", 'cwe = "95"', "`cwe` must be a whole number"),
        ("cwe = 95", "", "names its `cwe`"),
        ('severity = "high"', "", "`severity` is missing"),
        ('why = "Whoever writes the text runs code."', "", "`why` is missing"),
        ("{function} runs", "{functon} runs", "Did you mean `function`"),
        ("@at", "@place", "must capture the place"),
        ('bad = ["eval(x)"]', "", "at least one `bad`"),
        ('id = "no-eval"', 'id = "Eval"', "lower-case words"),
        ("query = ", 'metric = "cyclomatic"\nquery = ', "exactly one of `query` and `metric`"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    file = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(UsageError) as error:
        collect("python", [file])
    assert message in str(error.value)
    assert f"{file}:2" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("(identifier)", "(identifer)", "does not fit python"), ("#eq?", "#equal?", "no predicate `#equal?`")],
)
def test_a_query_that_does_not_fit_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    (rule,) = collect("python", [write(tmp_path, GOOD.replace(old, new))])
    with pytest.raises(UsageError, match=re.escape(message)):
        RuleSet("python", (rule,)).query(rule)


@pytest.mark.parametrize("query", ["(" * 50_000 + ")" * 50_000, "[" * 50_000 + "]" * 50_000, "(_ (_))" * 2000])
def test_a_query_made_to_crash_the_compiler_is_refused(tmp_path: Path, query: str) -> None:
    start, end = GOOD.index("query = "), GOOD.index("bad = ")
    (rule,) = collect("python", [write(tmp_path, f"{GOOD[:start]}query = '{query} @at @function'\n{GOOD[end:]}")])
    with pytest.raises(UsageError, match="longer than 10,000 characters or nested more than 64 deep"):
        RuleSet("python", (rule,)).query(rule)


def test_a_message_holds_no_control_characters(tmp_path: Path) -> None:
    text = GOOD.replace('id = "no-eval"', 'id = "\\u001b[31m\\n::error::x"').replace("cwe", '"c\\u202ewe"')
    with pytest.raises(UsageError) as error:
        collect("python", [write(tmp_path, text)])
    assert all(character.isprintable() for character in error.value.message)


def test_broken_toml_and_double_ids(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"rules\.toml.*line 1"):
        collect("python", [write(tmp_path, "[[rule\n")])
    with pytest.raises(UsageError, match="already defined"):
        collect("python", [write(tmp_path, GOOD + GOOD)])
