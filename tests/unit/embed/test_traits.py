"""What a function is called, takes and calls is read in every language, and likeness in it is a likeness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.embed.calibration import weights
from agentforge.embed.snippets import parsed_snippet
from agentforge.embed.traits import Traits, alike, calls, parts, traits

TOKENS = st.sets(st.sampled_from("abcdef")).map(lambda found: {token: 0.1 + ord(token) % 5 for token in found})
TRAITS = st.builds(Traits, name=TOKENS, takes=st.integers(0, 9), called=st.just({}), calls=TOKENS)


def read(code: str, language: str, name: str = "") -> Traits:
    return traits(name, parsed_snippet(code, language)[1], lambda _: 1.0)


@pytest.mark.parametrize(
    ("language", "code", "takes"),
    [
        ("python", "def read_all(self, a: int, b=(1, 2), *rest):\n    pass", 3),
        ("go", "func (r *Reader) ReadAll(a int, b string) {}", 2),
        ("java", "void readAll(int a, String b) { }", 2),
        ("javascript", "const readAll = (a, b) => { return a }", 2),
        ("typescript", "function readAll(a: number, b?: string): void {}", 2),
        ("c", "int read_all(int a, char *b) { return 1; }", 2),
        ("c", "int read_all(void) { return 1; }", 0),
        ("cpp", "int A::read_all(int a, const std::string& b) { return 1; }", 2),
        ("rust", "fn read_all(&self, a: &str, b: Vec<u8>) {}", 2),
        ("ruby", "def read_all(a, b = 1)\nend", 2),
        ("php", "function readAll($a, Foo $b) { }", 2),
        ("csharp", "void ReadAll(int a, string b) { }", 2),
        ("kotlin", "fun readAll(a: Int, b: String) { }", 2),
        ("swift", "func readAll(a: Int, with b: String) { }", 2),
        ("scala", "def readAll(a: Int, b: String) = { 1 }", 2),
        ("lua", "function readAll(a, b) end", 2),
    ],
)
def test_name_and_number_of_parameters(language: str, code: str, takes: int) -> None:
    found = read(code, language)
    assert (list(found.name), found.takes) == (["read", "all"], takes)


def test_the_name_that_is_known_comes_before_the_one_in_the_code() -> None:
    assert list(read("def a(): pass", "python", "write_all").name) == ["write", "all"]
    assert read("x => x", "javascript", "<anonymous>").name == {}


def test_a_call_of_itself_is_no_call_that_others_may_share() -> None:
    found = read("def walk(tree):\n    for node in children(tree):\n        walk(node)", "python")
    assert set(found.calls) == {"children"}
    assert set(found.called) == {"children", "walk"}


@pytest.mark.parametrize(
    ("language", "code", "expected"),
    [
        ("python", "def f(x):\n    return a.b(x)(1) + c()[0]()\n", {"b", "c"}),
        ("go", "func f() { fmt.Println(strings.TrimSpace(x)) }", {"Println", "TrimSpace"}),
        ("java", "void f() { list.add(parse(x)); new Thread(x); }", {"add", "parse"}),
        ("rust", 'fn f() { let x = Vec::new(); x.push(1); println!("{}", x); }', {"new", "push", "println"}),
        ("ruby", "def f(x)\n  x.each_slice(2)\n  puts(x)\nend", {"each_slice", "puts"}),
        ("c", "void f(void) { memcpy(a, b, sizeof(c)); }", {"memcpy"}),
        ("bash", "f() { grep -q x y; rm z; }", {"grep", "rm"}),
    ],
)
def test_calls(language: str, code: str, expected: set[str]) -> None:
    _, parsed = parsed_snippet(code, language)
    found = set(calls(parsed).values())
    assert expected <= found
    assert found <= expected | {"Thread"}


@given(TRAITS, TRAITS)
def test_likeness_is_the_same_from_both_sides_and_greatest_with_oneself(one: Traits, other: Traits) -> None:
    assert 0 <= alike(one, other) <= alike(one, one) + 1e-9
    assert alike(one, one) <= sum(weights()) + 1e-9
    if one.name and one.calls:
        assert parts(one, one) == pytest.approx((1, 1, 1))
    assert alike(one, other) == pytest.approx(alike(other, one))
