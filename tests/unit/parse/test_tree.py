"""What does not parse is measured, and nothing takes for ever or down the process."""

from __future__ import annotations

import pytest

from agentforge import languages, measure, parse
from agentforge.parse import tree

BROKEN = {
    "bash": "if then fi ((\n",
    "c": "int f( { return ; ]\n",
    "cpp": "class A { int f( { ] };\n",
    "csharp": "class A { int F( { ] }\n",
    "go": "package a\nfunc F( { ] }\n",
    "java": "class A { int f( { ] }\n",
    "javascript": "function f( { ] }\n",
    "kotlin": "fun f( { ] }\n",
    "lua": "function f( ] end\n",
    "php": "<?php function f( { ] }\n",
    "python": "def f(:\n    ]\n",
    "ruby": "def f( ]\nend end\n",
    "rust": "fn f( { ] }\n",
    "scala": "object A { def f( = ] }\n",
    "swift": "func f( { ] }\n",
    "tsx": "function f( { ] }\n",
    "typescript": "function f( { ] }\n",
}


def measured(language: str, code: str) -> measure.FileMetrics:
    decoded = parse.decode(code.encode())
    return measure.measure(parse.parse(language, decoded), decoded)


@pytest.mark.parametrize("language", languages.names())
def test_syntax_errors_are_recorded_and_the_rest_is_measured(language: str) -> None:
    metrics = measured(language, BROKEN[language])
    assert metrics.parse_error
    assert 0 <= metrics.error_share <= 1
    assert metrics.lines.physical == BROKEN[language].count("\n")


def test_the_share_of_errors_is_what_nothing_was_made_of_and_the_same_each_time() -> None:
    # Without its last brace all of it is one ERROR, which holds functions that parsed.
    code = 'extern "C" {\n' + "".join(f"int f{n}(int a) {{ return a + {n}; }}\n)) ]\n" for n in range(40))
    decoded = parse.decode(code.encode())
    shares = {parse.parse("c", decoded).error_share for _ in range(50)}
    assert len(shares) == 1
    assert 40 * len("))]") / len(code) <= shares.pop() < 0.2
    assert len(measured("c", code).functions) == 40


@pytest.mark.parametrize("language", languages.names())
@pytest.mark.parametrize("code", ["", "\n", "\0", "\0" * 50 + "\n", "\ufeff"])
def test_empty_files_and_nul_bytes(language: str, code: str) -> None:
    assert measured(language, code).functions == ()


@pytest.mark.parametrize("language", languages.names())
def test_three_thousand_parentheses(language: str) -> None:
    code = "x = " + "(" * 3000 + "1" + ")" * 3000 + "\n"
    assert measured(language, code).lines.physical == 1


def test_a_parse_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "PARSE_SECONDS", 0.0)
    with pytest.raises(parse.ParseTimeoutError, match="not parsed within"):
        parse.parse("javascript", parse.decode(b"x = 1;\n" * 100_000))
    monkeypatch.undo()
    assert not parse.parse("javascript", parse.decode(b"x = 1;\n")).tree.root_node.has_error
