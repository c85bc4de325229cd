import pytest

from agentforge import parse
from agentforge.embed.features import EMPTY, extract
from agentforge.embed.interface import load
from agentforge.embed.snippets import snippet_from_code
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
