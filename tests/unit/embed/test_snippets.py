import pytest

from agentforge import parse
from agentforge.embed.features import EMPTY, extract
from agentforge.embed.interface import load
from agentforge.embed.snippets import guess_language, snippet_from_code
from agentforge.measure import measure

METHODS = {
    "python": ("class A:\n    ", "def save(self, x):\n        if x:\n            return self.db.put(x)\n", ""),
    "java": ("class A { ", "int save(int x) { if (x > 0) { return this.db.put(x); } return 0; }", " }"),
    "php": ("<?php class A { ", "public function save($x) { if ($x) { return $this->db->put($x); } }", " }"),
    "javascript": ("class A { ", "save(x) { if (x) { return this.db.put(x); } }", " }"),
    "typescript": ("class A { ", "save(x: number): number { if (x) { return this.db.put(x); } }", " }"),
    "csharp": ("class A { ", "int save(int x) { if (x > 0) { return this.db.put(x); } return 0; }", " }"),
    "rust": ("impl A { ", "fn save(&self, x: i32) -> i32 { if x > 0 { return self.db.put(x); } 0 }", " }"),
    "go": ("package a\n", "func (a *A) save(x int) int { if x > 0 { return a.db.put(x) }\n return 0 }", ""),
}


@pytest.mark.parametrize("language", METHODS)
def test_a_pasted_method_is_what_it_is_in_its_file(language: str):
    before, method, after = METHODS[language]
    decoded = parse.decode(f"{before}{method}{after}".encode())
    parsed = parse.parse(language, decoded)
    (found,) = [item for item in measure(parsed, decoded).functions if item.name == "save"]
    stored = extract(parsed, [(found.start_byte, found.end_byte)])[0]
    assert snippet_from_code(f"\n    {method}\n", language).features == stored


def test_without_a_language_there_are_no_features():
    assert snippet_from_code("int f() {}", None).features == EMPTY


@pytest.mark.parametrize("code", ["", "\x00", "}}} ((( def", "\ud800 = 1"])
def test_what_does_not_parse_still_gives_a_vector(code: str):
    vector = load().embed([snippet_from_code(code, "javascript")])[0]
    assert float(vector @ vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("code", ["def broken(:\n  return [", "fn main( {", "func f(x int) {\n  return", "f(x.y("])
def test_what_parses_nowhere_is_not_the_text_around_php(code: str):
    assert guess_language(code) != "php"


def test_variables_with_a_dollar_are_those_of_php():
    assert guess_language("function f($x) { return $x->y; }") == "php"
    assert guess_language("<p>text</p>\n<?php echo f(1); ?>\n<b>and") == "php"


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("javascript", "function accept(value) {\n  return value.trim();\n}"),  # TypeScript, too
        ("typescript", "function accept(value: string) {\n  return value.trim();\n}"),
        ("php", "public function testAddsIcon()\n{\n    $icon = $this->record();\n    $this->assertSame($icon, 1);\n}"),
        ("lua", "local function createJ()\n    return J()\nend"),
    ],
)
def test_what_is_code_in_several_languages_is_that_in_which_it_is_usual(language: str, code: str):
    assert guess_language(code) == language


def test_of_long_code_the_beginning_and_the_whole_tell():
    assert guess_language("def f(x):\n" + "    x += 1\n" * 2_000) == "python"
    assert guess_language("int f(int x) {\n" + "  x = g(x);\n" * 1000 + "  return x;\n}\n") == "java"
