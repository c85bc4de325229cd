"""Complexity against figures worked out by hand, some of them by the authors of the definitions."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentforge import languages, parse
from agentforge.measure import measure
from agentforge.model import FileMetrics


def measured(language: str, code: str) -> FileMetrics:
    decoded = parse.decode(textwrap.dedent(code).encode())
    return measure(parse.parse(language, decoded), decoded)


def figures(language: str, code: str) -> dict[str, tuple[int, int, int, int]]:
    """Qualified name -> (parameters, cyclomatic, cognitive, nesting)."""
    return {
        function.qualified_name: (function.parameters, function.cyclomatic, function.cognitive, function.nesting)
        for function in measured(language, code).functions
    }


def test_white_paper_sum_of_primes() -> None:
    code = """
        class Paper {
          int sumOfPrimes(int max) {
            int total = 0;
            OUT: for (int i = 1; i <= max; ++i) {
              for (int j = 2; j < i; ++j) {
                if (i % j == 0) {
                  continue OUT;
                }
              }
              total += i;
            }
            return total;
          }
          String getWords(int number) {
            switch (number) {
              case 1: return "one";
              case 2: return "a couple";
              default: return "lots";
            }
          }
        }
        """
    assert figures("java", code) == {"Paper.sumOfPrimes": (1, 4, 7, 3), "Paper.getWords": (1, 3, 1, 1)}


def test_python_runs_of_operators_else_if_closures_and_recursion() -> None:
    code = """
        def branches(x):
            if x and y or z and (q and w):
                return 1
            elif x:
                try:
                    pass
                except E:
                    if q:
                        pass
            else:
                return lambda: (1 if x else 2)

        class A:
            def f(self):
                def g():
                    if 1:
                        pass
                return self.f()
        """
    assert figures("python", code) == {
        "branches": (1, 10, 14, 3),
        "A.f": (1, 2, 2, 1),  # nothing but a function and its return: a decorator, not a level deeper
        "A.f.g": (0, 2, 1, 1),
    }


def test_javascript_closures_have_the_name_they_are_bound_to() -> None:
    code = """
        class A {
          go(x) { if (x) { return 1 } else if (x && y || z) { for (;;) {} } else { while (1) { break } } }
          f = (a, b) => a ? b : 1
        }
        const h = x => x
        exports.k = function (a) { return a.map(q => q ? 1 : 2) }
        """
    for language in ("javascript", "typescript", "tsx"):
        assert figures(language, code) == {
            "A.go": (1, 7, 9, 2),
            "A.f": (2, 2, 1, 1),
            "h": (1, 1, 0, 0),
            "k": (1, 2, 2, 1),
        }


def test_go_receivers_and_shared_parameter_types() -> None:
    code = """
        package m
        type S struct{}
        func (s *S) Do(a, b int, c ...string) int {
            if a > b { return 1 } else if b > a && a != 3 { return 2 } else { for range c { } }
            return 0
        }
        func rec(n int) int { return rec(n - 1) }
        """
    assert figures("go", code) == {"S.Do": (3, 5, 6, 2), "rec": (1, 1, 1, 0)}


def test_rust_impl_and_match() -> None:
    code = """
        struct P;
        impl P { fn new(a: i32, b: i32) -> Self { if a > 1 && b > 2 { P } else { match a { 1 => P, _ => P } } } }
        mod inner { pub fn f() { while true {} } }
        """
    assert figures("rust", code) == {"P.new": (2, 4, 5, 2), "inner.f": (0, 2, 1, 1)}


@pytest.mark.parametrize("language", languages.names())
def test_bytes_of_no_language_are_measured_without_a_crash(language: str) -> None:
    metrics = measured(language, "(" * 3000 + "\0\r\n}}} é" + ")" * 3000)
    assert metrics.lines.physical == 2


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(languages.names()), st.text(max_size=300))
def test_invariants(language: str, code: str) -> None:
    decoded = parse.decode(code.encode("utf-8", "replace"))
    metrics = measure(parse.parse(language, decoded), decoded)
    lines = metrics.lines
    assert (
        lines.code + lines.comment + lines.blank
        == lines.physical
        == len(decoded.text.split("\n")) - (decoded.text.endswith("\n") or not decoded.text)
    )
    for function in metrics.functions:
        assert function.cyclomatic >= 1
        assert function.cognitive >= 0
        assert 1 <= function.start_line <= function.end_line
        assert 0 <= function.maintainability_index <= 100
