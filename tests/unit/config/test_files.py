"""The configuration file of a tree: nobody vouches for it, and every mistake in it has a place."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.config import files
from agentforge.config.resolve import resolve
from agentforge.config.toml import MAX_BYTES
from agentforge.errors import EXIT_USAGE, UsageError


def settings(root: Path) -> Any:
    return resolve(files.find(str(root)), {}, {}, "/")


def fault(root: Path) -> str:
    with pytest.raises(UsageError) as error:
        settings(root)
    assert error.value.exit_code == EXIT_USAGE
    return str(error.value)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def test_both_kinds_of_file(root: Path) -> None:
    assert settings(root).file is None
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n[tool.other]\njobs = 1\n")
    assert settings(root).file is None
    (root / "pyproject.toml").write_text("[tool.agentforge]\njobs = 3\n")
    assert (settings(root).file, settings(root).jobs) == ("pyproject.toml", 3)
    (root / "agentforge.toml").write_text("jobs = 4\n")
    assert "Keep one of them" in fault(root)
    (root / "pyproject.toml").write_text("this is broken")
    assert (settings(root).file, settings(root).jobs) == ("agentforge.toml", 4)


def test_a_named_file_lies_anywhere_and_may_say_more(root: Path) -> None:
    (root / "team.toml").write_text("model = 'other'\noutput-files = ['json:/elsewhere/a.json']\n")
    (root / "link.toml").symlink_to("team.toml")
    for name in ("team.toml", "link.toml"):
        found = resolve(files.named(str(root / name)), {}, {}, "/")
        assert found.model == "other"
        assert found.output_files[0].path == "/elsewhere/a.json"
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    for name, message in (("pyproject.toml", "has no table [tool.agentforge]"), ("gone.toml", "There is no file")):
        with pytest.raises(UsageError, match=message.replace("[", r"\[")):
            files.named(str(root / name))


@pytest.mark.parametrize("name", ["agentforge.toml", "pyproject.toml"])
def test_what_is_no_readable_file(root: Path, name: str) -> None:
    file = root / name
    file.mkdir()
    assert f"{name} cannot be read: it is a folder" in fault(root)
    file.rmdir()
    os.mkfifo(file)
    assert "not a regular file" in fault(root)
    file.unlink()
    file.symlink_to("/etc/passwd")
    assert "symbolic link" in fault(root)
    file.unlink()
    file.write_bytes(b"# fine\n# caf\xe9\n")
    assert f"{name}:2: this is not UTF-8" in fault(root)
    file.write_bytes(b"\xef\xbb\xbf# a mark\r\n")
    assert settings(root) is not None
    file.write_text("#" * (MAX_BYTES + 1))
    assert "larger than 256 KiB" in fault(root)
    file.write_text("[tool.agentforge\n")
    assert "(at line 1, column 17)" in fault(root)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 50_000,
        "a" + ".a" * 100_000 + " = 1",
        '"a"' + ' . "a"' * 40_000 + " = 1",
        "[" + "a." * 100_000 + "a]",
        "a = " + "1" * 200_000,
        "x = '" + "y" * 200_000 + "'\nz = [",
        "\n".join("# jobs [" for _ in range(20_000)) + "\njobs = 'x'\n",
        "".join(f"[[overrides]]\nx{number} = 1\n" for number in range(8000)),
    ],
)
def test_a_file_made_to_waste_time_does_not(root: Path, text: str) -> None:
    (root / "agentforge.toml").write_text(text)
    before = time.process_time()
    fault(root)
    assert time.process_time() - before < 5


def test_messages_hold_no_control_characters(root: Path) -> None:
    (root / "agentforge.toml").write_text(
        '"a\\u001b[31m\\u202e" = 1\nformat = "\\u0007"\nseverity = { x = "\\u001b]" }\n'
    )
    message = fault(root)
    assert "\\x1b[31m\\u202e" in message
    assert all(character.isprintable() or character == "\n" for character in message)


MISTAKES = [
    ("jbs = 1", "1: unknown key `jbs`. Did you mean `jobs`?"),
    ("max_file_size = 1", "1: unknown key `max_file_size`. Did you mean `max-file-size`?"),
    ("\n\njobs = '3'", "3: `jobs` must be a whole number from 0 to 512."),
    ("jobs = true", "1: `jobs` must be a whole number"),
    ("jobs = 513", "1: `jobs` must be a whole number"),
    ("exclude = 'docs'", "1: `exclude` must be a list of texts that are not empty."),
    ("exclude = ['!']", "1: `exclude` must be a list of patterns as in .gitignore, not `!`."),
    ("format = 'yaml'", "1: `format` must be one of table, json"),
    ("severity = { B101 = 'hihg' }", "1: `severity` must be a table of rule ids and severities (critical,"),
    ("model = 'evil/model'", "1: `model` in the project's own file must be `hybrid`"),
    ("database-url = 'postgresql://u:hunter2@h/d'", "1: `database-url` cannot be set in a file"),
    ("data-dir = '/tmp'", "1: `data-dir` cannot be set in a file"),
    ("fail-on = 'high'", "1: `fail-on` does not belong here, but in [gate]."),
    ("[gate]\njobs = 1", "2: `jobs` does not belong here, but in the part above all tables."),
    ("[gate]\nfail-on = 'hgh'", "2: `fail-on` must be one of critical, high"),
    ("[gate]\nnew-violations = { hgh = 0 }", "2: `new-violations` must be a table whose keys are"),
    ("[gate]\nnew-violations = { high = -1 }", "2: `new-violations` must be a table of whole numbers"),
    ("[gate]\nmin-quality-score = nan", "2: `min-quality-score` must be a number from 0 to 100."),
    ("gate = 1", "1: `gate` must be a table, [gate]."),
    ("overrides = {}", "1: `overrides` must be a list of tables, [[overrides]]."),
    ("[[overrides]]\npaths = ['a']\n[[overrides]]\ndisable = []", "3: `paths` is missing."),
    ("[[overrides]]\npaths = []", "2: `paths` must be a list of at least one text."),
    ("[[overrides]]\npaths = ['a']\n\n[[overrides]]\npaths = ['b']\nenabel = []", "6: unknown key `enabel`. Did you"),
    ("rules = [\n  'gone',\n]", "1: there is no folder `gone`."),
    ("rules = ['../rules']", "1: `../rules` is not within the folder"),
    ("rules = ['/etc']", "1: `/etc` is not within the folder"),
    ("rules = ['.']", "1: `.` is not within the folder"),
    ("output-files = ['sarfi:a']", "1: there is no format `sarfi`. Did you mean `sarif`?"),
    ("output-files = ['json:../a.json']", "1: `../a.json` is not within the folder"),
    ("output-files = ['json:sub/.Git/hooks/pre-commit']", "lies in a .git folder"),
    ("x = '''\njobs = 'inside a text'\n'''\njobs = 'real'", "4: `jobs` must be"),
    ("gate = { fail-on = 'high', min-quality-score = 101 }", "1: `min-quality-score` must be"),
    ("# jobs = 1\njobs.x = 1", "2: `jobs` must be"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_the_nearest_word(root: Path, text: str, message: str) -> None:
    (root / "agentforge.toml").write_text(text + "\n")
    found = fault(root)
    assert message in found
    assert "hunter2" not in found


def test_lines_in_pyproject_and_all_mistakes_at_once(root: Path) -> None:
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n\n[tool.agentforge]\njbs = 1\nexclude = 3\n")
    message = fault(root)
    assert "pyproject.toml:5: unknown key `jbs`" in message
    assert "pyproject.toml:6: `exclude`" in message
    (root / "pyproject.toml").write_text("[tool]\nagentforge = 1\n")
    assert "`agentforge` is not a table" in fault(root)


def test_links_lead_nowhere(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (root / "rules").symlink_to(outside)
    (root / "out").symlink_to(outside)
    (root / "file.json").symlink_to(outside / "file.json")
    for line in ("rules = ['rules']", "output-files = ['json:out/a']", "output-files = ['json:file.json']"):
        (root / "agentforge.toml").write_text(line)
        assert "goes through a symbolic link" in fault(root)


PIECES = st.sampled_from(
    [
        ("# jobs = 1\n", None),
        ("\n", None),
        ("text{} = '''\njobs = 1\nwanted{} = 2\n[gate]\n'''\n", None),
        ("list{} = [\n  1, # jobs\n  2,\n]\n", None),
        ("other{} = { jobs = 1, wanted = 2 }\n", None),
        ("wanted{} = [\n  'a',\n]\n", "wanted{}"),
        ('  "wanted{}"   =   1\n', "wanted{}"),
        ("wanted{}.wanted = 1\n", "wanted{}"),
    ]
)


@given(st.lists(PIECES, max_size=8), st.booleans())
def test_a_place_is_where_the_value_begins(pieces: list[tuple[str, str | None]], in_table: bool) -> None:
    text = "[tool.agentforge]\n" if in_table else ""
    expected = {}
    for number, (piece, key) in enumerate(pieces):
        if key is not None:
            expected[key.replace("{}", str(number))] = text.count("\n") + 1
        text += piece.replace("{}", str(number))
    file = files.ConfigFile("/x", "x.toml", True, text, {}, ("tool", "agentforge") if in_table else ())
    assert {key: file.place(key) for key in expected} == {key: f"x.toml:{line}" for key, line in expected.items()}
