"""Comments that waive: in every language, where they may stand, what they cover, and what is said of bad ones."""

from __future__ import annotations

import pytest

from agentforge import languages
from agentforge.detect import detect, rule_set
from agentforge.detect.waivers import UNUSED, WITHOUT_REASON, find, identify
from agentforge.measure import measure
from agentforge.model import Status, Violation, Waiver
from agentforge.parse import decode, parse

HASH, DASHES = ("bash", "python", "ruby"), ("lua",)
BLOCKS = {"lua": "--[[ {} ]]", **dict.fromkeys(HASH, "")}


def run(language: str, text: str) -> tuple[Violation, ...]:
    decoded = decode(text.encode())
    parsed = parse(language, decoded)
    metrics, rules = measure(parsed, decoded), rule_set(language)
    found = detect(parsed, metrics, "a", is_test=False, rules=rules)
    return identify(parsed, decoded.text, found, metrics.functions, rules, "a", complete=True)


def comment(language: str, text: str) -> str:
    lead = "#" if language in HASH else "--" if language in DASHES else "//"
    return f"{lead} {text}"


def with_comments(language: str, text: str, line: int, words: str) -> list[str]:
    """The text with the words in a comment behind a line, above it, and in a block comment above it."""
    lines = text.split("\n")
    indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
    block = BLOCKS.get(language, "/* {} */").format(words)
    behind = [*lines[: line - 1], f"{lines[line - 1]} {comment(language, words)}", *lines[line:]]
    made = ["\n".join(behind)]
    if language != "php" or line > 1:  # nothing before `<?php` is PHP
        for above in filter(None, (comment(language, words), block)):
            made.append("\n".join([*lines[: line - 1], indent + above, *lines[line - 1 :]]))
    return made


@pytest.mark.parametrize("language", languages.names())
def test_every_rule_is_waived_where_its_examples_break_it(language: str) -> None:
    tried = 0
    for rule in rule_set(language):
        for example in rule.bad:
            (violation, *_) = [item for item in run(language, example) if item.rule_id == rule.id]
            words = f"agentforge: ignore[{rule.id}] it is fine (#12)"
            for text in with_comments(language, example, violation.line, words):
                everything = run(language, text)
                found = [item for item in everything if item.rule_id == rule.id]
                if not found:
                    continue  # a comment in an empty block makes it a documented one
                tried += 1
                assert found[0].status is Status.WAIVED, (rule.id, text)
                assert found[0].waiver == Waiver("it is fine (#12)", "inline")
                assert found[0].fingerprint == violation.fingerprint, (rule.id, text)
                assert not [item for item in everything if item.rule_id in (UNUSED, WITHOUT_REASON)]
    assert tried >= 10


@pytest.mark.parametrize("language", languages.names())
def test_words_in_a_string_are_no_comment(language: str) -> None:
    text = {
        "bash": 'echo "# agentforge: ignore[x] y"\n',
        "go": 'package a\nvar x = "// agentforge: ignore[x] y"\n',
        "java": 'class A { String s = "// agentforge: ignore[x] y"; }\n',
        "csharp": 'class A { string s = "// agentforge: ignore[x] y"; }\n',
        "php": '<?php $x = "// agentforge: ignore[x] y";\n',
        "rust": 'fn f() { let x = "// agentforge: ignore[x] y"; }\n',
        "c": 'char *x = "// agentforge: ignore[x] y";\n',
        "cpp": 'auto x = "// agentforge: ignore[x] y";\n',
    }.get(language, 'x = "# // -- agentforge: ignore[x] y"\n')
    assert not run(language, text)


def waived(language: str, text: str) -> list[tuple[str, int]]:
    return [(item.rule_id, item.line) for item in run(language, text) if item.status is Status.WAIVED]


def reports(language: str, text: str) -> list[tuple[str, str]]:
    return [(item.rule_id, item.message) for item in run(language, text) if item.rule_id in (UNUSED, WITHOUT_REASON)]


JS_CALL = "function f(a) {\n  %s\n  child_process.exec(\n    `ls ${a}`,\n    done,\n  )%s;\n}\n"


@pytest.mark.parametrize(
    "text",
    [
        JS_CALL % ("// agentforge: ignore[js-command-injection] r", ""),
        JS_CALL % ("", "  // agentforge: ignore[js-command-injection] r"),
        JS_CALL.replace("done,", "done, // agentforge: ignore[js-command-injection] r") % ("", ""),
        JS_CALL % ("// agentforge: ignore[js-command-injection] r\n  // more\n\n  /* and\n   more */", ""),
        JS_CALL % ("/* agentforge: ignore[js-command-injection] r */ /* more */", ""),
        JS_CALL % ("/**\n   * agentforge: ignore[js-command-injection] r\n   */", ""),
        JS_CALL % ("// agentforge:ignore[js-eval, js-command-*]: r", ""),
        "// agentforge: ignore-file[js-command-injection] r\n" + JS_CALL % ("", ""),
        JS_CALL % ("", "") + "// agentforge: ignore-file[js-command-injection] r\n",
        JS_CALL % ("// eslint-disable-next-line no-x, js-command-injection -- r", ""),
        JS_CALL.replace("done,", "done, // eslint-disable-line js-command-injection") % ("", ""),
    ],
)
def test_places_that_cover_a_call_of_several_lines(text: str) -> None:
    assert "js-command-injection" in dict(waived("javascript", text)), run("javascript", text)


@pytest.mark.parametrize(
    "text",
    [
        "// agentforge: ignore[js-command-injection] r\n" + JS_CALL % ("", ""),  # the head of the function only
        JS_CALL % ("// agentforge: ignore[js-eval] r", ""),
        JS_CALL % ("// see `agentforge: ignore[js-command-injection] r`", ""),
        JS_CALL % ("// agentforge: ignore r", ""),
        JS_CALL % ("// eslint-disable-next-line no-x", ""),
        JS_CALL % ("let x = 1; // agentforge: ignore[js-command-injection] r", ""),
    ],
)
def test_places_that_do_not(text: str) -> None:
    assert "js-command-injection" not in dict(waived("javascript", text))


@pytest.mark.parametrize(
    ("language", "text", "rule"),
    [
        ("rust", "// agentforge: ignore[many-parameters] r\n#[inline]\n#[cold]\nfn f(%s) {}\n", "many-parameters"),
        ("python", "# agentforge: ignore[many-parameters] r\n@a\n@b(1)\ndef f(%s):\n    pass\n", "many-parameters"),
        ("python", "def f(  # agentforge: ignore[many-parameters] r\n    %s\n):\n    pass\n", "many-parameters"),
        (
            "typescript",
            "class A {\n  // agentforge: ignore[many-parameters] r\n  @a()\n  f(%s) {}\n}\n",
            "many-parameters",
        ),
        (
            "java",
            "class A {\n  // agentforge: ignore[many-parameters] r\n  @A\n  void f(%s) {}\n}\n",
            "many-parameters",
        ),
        (
            "csharp",
            "class A {\n  // agentforge: ignore[many-parameters] r\n  [B]\n  void f(%s) {}\n}\n",
            "many-parameters",
        ),
        ("kotlin", "// agentforge: ignore[many-parameters] r\n@A\nfun f(%s) {}\n", "many-parameters"),
        ("swift", "// agentforge: ignore[many-parameters] r\n@a\nfunc f(%s) {}\n", "many-parameters"),
        ("php", "<?php\n// agentforge: ignore[many-parameters] r\n#[A]\nfunction f(%s) {}\n", "many-parameters"),
    ],
)
def test_a_comment_above_what_stands_before_a_definition(language: str, text: str, rule: str) -> None:
    one = {
        "rust": "a{0}: u8", "typescript": "a{0}: number", "java": "int a{0}", "csharp": "int a{0}",
        "kotlin": "a{0}: Int", "swift": "a{0}: Int", "php": "$a{0}",
    }.get(language, "a{0}")  # fmt: skip
    found = run(language, text % ", ".join(one.format(number) for number in range(10)))
    assert [(item.rule_id, item.status) for item in found] == [(rule, Status.WAIVED)]


@pytest.mark.parametrize(
    ("language", "text", "reason"),
    [
        ("python", "x = 1 if y == None else 2  # noqa: E711, python-none-comparison legacy\n", "legacy"),
        ("python", "# noqa: python-none-comparison\nx = 1 if y == None else 2\n", ""),
        ("c", "void f(void) { gets(b); } // NOLINT(c-gets) legacy\n", "legacy"),
        ("cpp", "// NOLINTNEXTLINE(x, c-gets): legacy\nvoid f() { gets(b); }\n", "legacy"),
        ("go", "package a\nvar x = y.z == y.z //nolint:errcheck,go-self-comparison // legacy\n", "legacy"),
        ("ruby", "x = eval(y) # rubocop:disable Security/Eval, ruby-eval -- legacy\n", "legacy"),
        ("swift", "// swiftlint:disable:next force_try swift-self-comparison - legacy\nlet a = b.c == b.c\n", "legacy"),
    ],
)  # fmt: skip
def test_customs_of_the_language_that_name_a_rule_of_ours(language: str, text: str, reason: str) -> None:
    found = [item for item in run(language, text) if item.status is Status.WAIVED]
    assert [item.waiver for item in found] == [Waiver(reason, "inline")], run(language, text)
    assert not reports(language, text)


NONE = "x = 1 if y == None else 2"


@pytest.mark.parametrize(
    ("waiver", "expected"),
    [
        ("agentforge: ignore[python-none-comparison] a reason", []),
        ("agentforge: ignore[python-none-comparison]", [(WITHOUT_REASON, "python-none-comparison")]),
        ("agentforge: ignore[python-none-comparison] --", [(WITHOUT_REASON, "python-none-comparison")]),
        ("agentforge: ignore[*] a reason", []),
        ("agentforge: ignore-file[python-none-*] a reason", []),
        ("agentforge: ignore[python-none-comparison, python-bare-except] r", [(UNUSED, "breaks python-bare-except")]),
        ("agentforge: ignore[python-none-comparision] r", [(UNUSED, "did you mean python-none-comparison?")]),
        ("agentforge: ignore[B602] r", [(UNUSED, "nothing here breaks B602")]),
        ("agentforge: ignore a reason", [(UNUSED, "names no rule")]),
        ("agentforge: ignore[] a reason", [(UNUSED, "names no rule")]),
        ("agentforge: ignore[B602]", [(UNUSED, "breaks B602"), (WITHOUT_REASON, "B602")]),
        ("noqa: python-bare-except", []),
        ("noqa: E711  # agentforge: ignore[python-none-comparison] a reason  # noqa", []),
    ],
)
def test_bad_waivers_are_reported(waiver: str, expected: list[tuple[str, str]]) -> None:
    found = reports("python", f"{NONE}  # {waiver}\n")
    assert [rule for rule, _ in found] == [rule for rule, _ in expected], found
    assert all(part in message for (_, message), (_, part) in zip(found, expected, strict=True)), found


def test_no_comment_waives_what_is_said_of_waivers() -> None:
    text = f"# agentforge: ignore-file[*, unused-waiver, waiver-without-reason] r\n{NONE}  # agentforge: ignore[B602]\n"
    assert [rule for rule, _ in reports("python", text)] == [UNUSED, UNUSED, WITHOUT_REASON]


def test_a_waiver_without_a_reason_still_waives() -> None:
    (item, _) = run("python", f"{NONE}  # agentforge: ignore[python-none-comparison]\n")
    assert item.waiver == Waiver("", "inline")


def test_the_nearest_waiver_counts() -> None:
    text = f"# agentforge: ignore-file[*] far\n{NONE}  # agentforge: ignore[python-none-comparison] near\n"
    assert [item.waiver for item in run("python", text) if item.waiver] == [Waiver("near", "inline")]
    assert [message for _, message in reports("python", text)] == ["the waiver waives nothing: nothing here breaks *"]


def test_where_not_all_could_be_looked_at_no_waiver_is_called_unused() -> None:
    decoded = decode(b"x = 1  # agentforge: ignore[B602] r\n")
    parsed = parse("python", decoded)
    assert identify(parsed, decoded.text, (), (), rule_set("python"), "a", complete=False) == ()
    assert [item.reason for item in find(parsed, ())] == ["r"]


def test_places_of_reports_are_those_of_the_comment() -> None:
    (item,) = run("python", "s = 'Ää'  # agentforge: ignore[B602] r  # more\n")
    assert (item.line, item.column, item.end_line, item.end_column) == (1, 11, 1, 39)
    assert item.path == "a"


def test_a_waiver_on_the_last_line_without_a_line_end() -> None:
    assert reports("python", "# agentforge: ignore[B602] r")
    assert reports("python", "\n\n#agentforge:ignore-file[B602]r")
