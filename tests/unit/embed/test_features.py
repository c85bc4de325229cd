import os
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentforge import languages, parse
from agentforge.embed.features import EMPTY, HEADER, extract, kind_table, unpack

SAVE = """def save(self, force=False):
    # write it
    for item in self.items:
        if item.dirty or force:
            self.store.writeItem(item, "utf-8")
    return len(self.items)
"""


def of(code: str | bytes, language: str = "python") -> bytes:
    parsed = parse.parse(language, parse.decode(code if isinstance(code, bytes) else code.encode()))
    return extract(parsed, [(0, len(parsed.data.rstrip()))])[0]


def channel(features: bytes, number: int) -> dict[int, int]:
    ids, counts, _ = unpack([features])[number]
    return dict(zip(ids.tolist(), counts.tolist(), strict=True))


def words(features: bytes) -> dict[int, int]:
    return channel(features, 0)


def nodes(features: bytes) -> dict[int, int]:
    return channel(features, 1)


def test_words_are_sub_tokens_whole_identifiers_and_calls():
    found = words(of("parseHTTPHeader(user_id2)"))
    expected = ["s:parse", "s:http", "s:header", "w:parsehttpheader", "c:parsehttpheader"]
    expected += ["s:user", "s:id", "s:2", "w:userid2"]
    assert found == {zlib.crc32(text.encode()): 1 for text in expected}


def test_words_are_counted():
    assert words(of("a = load + load"))[zlib.crc32(b"s:load")] == 2


def test_a_count_saturates():
    assert words(of("load\n" * 1000))[zlib.crc32(b"s:load")] == 255


def test_comments_do_not_matter():
    assert of(SAVE) == of(SAVE.replace("    # write it\n", ""))


def test_docstring_does_not_matter():
    assert of(SAVE) == of(SAVE.replace("    # write it\n", '    """Write it (at once, "now")."""\n'))


def test_words_of_strings_count():
    assert zlib.crc32(b"s:utf") in words(of(SAVE))


def test_white_space_does_not_matter():
    spaced = SAVE.replace("    ", "\t").replace("(self, force=False)", "(\n\t\tself,\n\t\tforce = False,\n\t)")
    assert of(SAVE) == of(spaced)


def test_renaming_changes_words_only():
    other = of(SAVE.replace("items", "rows").replace("item", "row").replace("force", "everything"))
    assert nodes(other) == nodes(of(SAVE))
    assert words(other) != words(of(SAVE))


def test_another_structure_with_the_same_words_differs():
    assert nodes(of("def f(a, b):\n    if a:\n        b()\n")) != nodes(of("def f(a, b):\n    while a:\n        b()\n"))


def test_nesting_matters():
    inside = "def f(a):\n    if a:\n        pass\n        g()\n"
    beside = "def f(a):\n    if a:\n        pass\n    g()\n"
    assert nodes(of(inside)) != nodes(of(beside))


COMMENTED = {
    "javascript": ("function f(a) { return g(a); }", "function f(a) { /* b */\n\n  return g(a); // c\n}"),
    "java": (
        "class A { int f(int a) { return g(a); } }",
        "class A { /** b */ int f(int a) {\n\n return g(a); // c\n} }",
    ),
    "go": ("package p\nfunc f(a int) int { return g(a) }", "package p\nfunc f(a int) int {\n\n // c\n return g(a) }"),
    "rust": ("fn f(a: i32) -> i32 { g(a) }", "/* b */ fn f(a: i32) -> i32 {\n\n // c\n g(a) }"),
    "kotlin": ("fun f(a: Int): Int { return g(a) }", "fun f(a: Int): Int {\n /* b */ return g(a) // c\n}"),
    "ruby": ("def f(a)\n  g(a)\nend", "def f(a)\n\n  # c\n  g(a)\nend"),
    "php": ("<?php function f($a) { return g($a); }", "<?php function f($a) { # b\n\n return g($a); /* c */ }"),
    "c": ("int f(int a) { return g(a); }", "int f(int a) { /* b */\n\n return g(a); // c\n}"),
    "lua": ("function f(a) return g(a) end", "function f(a)\n\n -- c\n return g(a) end"),
    "bash": ("f() { g $1; }", "f() {\n # c\n\n g $1; }"),
}


@pytest.mark.parametrize("language", COMMENTED)
def test_comments_do_not_matter_in(language: str):
    bare, commented = COMMENTED[language]
    assert of(bare, language) == of(commented, language)


def test_surroundings_do_not_matter():
    before = 'x = {"a": [1, 2]}\n\nclass Broken(:\n    """Doc."""\n\n'
    file = f"{before}    pass\n\n{SAVE}\n\ndef other(): return 1\n".encode()
    parsed = parse.parse("python", parse.decode(file))
    start = file.index(b"def save")
    first, second = extract(parsed, [(0, 5), (start, start + len(SAVE.rstrip().encode()))])
    assert second == of(SAVE)
    assert first != second


def test_a_comment_behind_a_function_does_not_matter():
    """Python's grammar takes it for the function's, whose node then ends behind it."""
    file = f"{SAVE.rstrip()}  # type: ignore[return-value]\n\n\nx = 1\n".encode()
    parsed = parse.parse("python", parse.decode(file))
    start = file.index(b"def save")
    assert extract(parsed, [(start, start + len(SAVE.rstrip().encode()))])[0] == of(SAVE)


def test_nested_functions_each_have_their_own():
    outer = "def outer():\n    def inner(a):\n        return a.b()\n    return inner\n"
    parsed = parse.parse("python", parse.decode(outer.encode()))
    start = outer.index("def inner")
    whole, inner = extract(parsed, [(0, len(outer) - 1), (start, outer.index("\n    return inner"))])
    assert inner == of("def inner(a):\n    return a.b()")
    assert set(nodes(inner)) < set(nodes(whole))


def test_a_span_between_nodes_takes_what_lies_inside():
    code = b"a = f(1)\nb = g(2)\nc = h(3)\n"
    parsed = parse.parse("python", parse.decode(code))
    both = extract(parsed, [(0, 17)])[0]
    assert zlib.crc32(b"c:g") in words(both)
    assert zlib.crc32(b"c:h") not in words(both)
    assert nodes(both)


def test_like_code_is_alike_in_other_languages():
    python = set(nodes(of("def f(a):\n    if a:\n        return g(a)\n")))
    javascript = set(nodes(of("function f(a) { if (a) { return g(a); } }", "javascript")))
    assert len(python & javascript) > 0.4 * len(python | javascript)


@pytest.mark.parametrize("code", ["", "   \n", "\x00", "# only a comment", '"""doc"""'])
def test_nothing_gives_the_empty_value(code: str):
    assert of(code) == EMPTY


def test_no_spans():
    assert extract(parse.parse("python", parse.decode(b"a")), []) == []


def test_non_ascii_identifiers():
    assert zlib.crc32("s:größe".encode()) in words(of("größe = 1"))


def test_nul_and_latin_1():
    assert zlib.crc32(b"s:after") in words(of(b"before = '\x00\xe9'\nafter = 1"))


def test_twenty_thousand_lines():
    features = of("def f():\n" + "".join(f"    value_{n} = load({n})\n" for n in range(20_000)))
    count, _ = HEADER.unpack_from(features)
    assert count > 20_000


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("javascript", "f(" * 30_000 + ")" * 30_000),
        ("python", "x = " + "[" * 30_000 + "]" * 30_000),
        ("java", "class A { int x = " + "1 + " * 30_000 + "1; }"),
        ("javascript", "x" + ".a()" * 30_000),
    ],
)
def test_deep_trees_do_not_overflow_the_stack(language: str, code: str):
    assert nodes(of(code, language))


def test_parts_of_a_deep_tree_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch):
    whole = of(SAVE)
    monkeypatch.setattr("agentforge.embed.features._RECURSION_LIMIT", 3)
    assert of(SAVE) == whole


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.sampled_from(languages.names()))
def test_any_text_in_any_language(text: str, language: str):
    features = of(text.encode("utf-8", "replace"), language)
    count_words, count_nodes = HEADER.unpack_from(features)
    assert len(features) == HEADER.size + 5 * (count_words + count_nodes)
    assert features == of(text.encode("utf-8", "replace"), language)


def test_the_same_in_another_process():
    script = (
        "from agentforge import parse; from agentforge.embed.features import extract;"
        "p = parse.parse('python', parse.decode(b'def saveAll(self):\\n    return self.put(1)'));"
        "print(extract(p, [(0, 43)])[0].hex())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert outputs.pop().strip().decode() == of("def saveAll(self):\n    return self.put(1)").hex()


def test_no_node_type_has_two_kinds():
    table = kind_table()
    types = [node_type for group in table["kinds"].values() for node_type in group] + table["skip"]
    assert sorted(types) == sorted(set(types))


def test_every_node_type_is_of_some_grammar():
    known = set()
    for name in languages.names():
        grammar = parse.grammar(name)
        known |= {grammar.node_kind_for_id(number) for number in range(grammar.node_kind_count)}
    table = kind_table()
    listed = {node_type for group in table["kinds"].values() for node_type in group} | set(table["skip"])
    assert listed - known <= {"ERROR", "UNEXPECTED", "MISSING"}


def test_unpack_tells_rows_apart():
    (ids, counts, rows), _ = unpack([of("a"), EMPTY, of("b b")])
    assert rows.tolist() == [0, 2]
    assert counts.tolist() == [1, 2]
    assert ids.dtype == np.dtype("<u4")
