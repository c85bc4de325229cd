"""Queries are compiled once a process."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from agentforge import parse
from agentforge.detect import detect, rule_set
from agentforge.measure import measure

CODE = {"go": "package a\nfunc f() { f() }\n", "python": "def f(a=[]):\n    return f(a)\n"}


def analyse(language: str) -> None:
    decoded = parse.decode(CODE[language].encode())
    parsed = parse.parse(language, decoded)
    detect(parsed, measure(parsed, decoded), "a", is_test=False, rules=rule_set(language))


@pytest.mark.parametrize("language", CODE)
def test_the_second_file_of_a_language_compiles_nothing(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    analyse(language)

    def refuse(*_: Any) -> None:
        raise AssertionError("a query is compiled again")

    users = [
        module for name, module in sys.modules.items() if name.startswith("agentforge.") and "Query" in vars(module)
    ]
    assert len(users) >= 3
    for module in users:
        monkeypatch.setattr(module, "Query", refuse)
    analyse(language)
