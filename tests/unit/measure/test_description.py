import pytest

from agentforge.measure import description as prose


@pytest.mark.parametrize(
    ("language", "before", "code", "text"),
    [
        (
            "java",
            "x();\n\n  /**\n   * Reads {@link Foo} from a file.\n   * @param path where\n   */\n  @Override\n  ",
            "",
            None,
        ),
        (
            "go",
            "import x\n\n// Walk visits every file\n// below a folder.\n",
            "",
            "Walk visits every file below a folder",
        ),
        ("rust", "/// Parses a number, base ten.\n#[inline]\npub ", "", "Parses a number, base ten"),
        ("ruby", "class A\n  # Sends one mail to many.\n  ", "", "Sends one mail to many"),
        ("php", "/**\n * Splits a path in two.\n *\n * @return array\n */\npublic ", "", "Splits a path in two"),
        ("c", "/* Adds two big numbers\n   digit by digit. */\nstatic ", "", "Adds two big numbers digit by digit"),
        (
            "python",
            "",
            'def f(a):\n    """Say what is\n    nearest to it.\n\n    Args:\n        a: it\n    """\n',
            None,
        ),
        ("javascript", "/** Copyright 2020 of Somebody, all kept. */\n", "", ""),
        ("javascript", "// a = b(c); d = e(f);\n", "", ""),
        ("javascript", "let x = 1; // not about the function below it\n\n", "", ""),
        ("ruby", "# Sends what :meth:`open` has read.\n# :param name: of the file\n", "", "Sends what open has read"),
        ("go", "// Считает строки в файле.\n", "", "Считает строки в файле"),
        ("go", "// TODO: make this quicker than it is\n", "", ""),
        (
            "python",
            "",
            'def f(a):\n    """Cut a list in two parts.\n\n    As next(split(a, b)) does, f(a, b=2) too.\n    """\n',
            "Cut a list in two parts",
        ),
        (
            "go",
            "// Get returns the value of a key, i.e. a header: (value, true).\n// If there is none (nil, false).\n",
            "",
            "Get returns the value of a key, i.e. a header",
        ),
        (
            "python",
            "",
            "def f(\n" + "    a=(1, 2),\n" * 30 + "):\n    '''Reads what is there.'''\n",
            "Reads what is there",
        ),
        ("python", "", 'def f(a):  # noqa: E501\n    # type: (int) -> int\n    "Adds one to it."\n', "Adds one to it"),
        ("python", "", 'def f(a):\n    def g():\n        """Of another function."""\n    return g\n', ""),
        ("python", "", 'def f(a): return {"""a: """: a}\n', ""),
        ("go", "// A small library of mine (see it).\n//\n// Copyright (c) 2020, (2021) Somebody.\n", "", ""),
        ("typescript", "/**\n * Shares a source.\n" + " *\n" * 200 + " */\n", "", "Shares a source"),
    ],
)
def test_what_is_written_about_a_function(language, before, code, text):
    known = {"java": "Reads Foo from a file", "python": "Say what is nearest to it"}
    assert prose.description(language, code, before) == (known[language] if text is None else text)


def test_long_texts_are_cut():
    words = "word " * 200
    assert len(prose.description("go", "", f"// {words}\n").split()) == prose.MOST_WORDS


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n" + "\n" * 1_000_000 + "    x = 1\n",
        'def f():\n    """' + "{@a " * 1_000_000 + '"""\n',
        "def f(" + "a: int, " * 1_000_000 + "):\n    x = 1\n",
    ],
)
def test_odd_code_is_read_to_its_end_soon(code):
    assert prose.description("python", code, "") == ""


def test_the_beginning_of_a_docstring_without_end_counts():
    assert prose.description("python", 'def f():\n    """Says a word.\n\n' + "x " * 5000, "") == "Says a word"
