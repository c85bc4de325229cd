"""Rule files to rules: read, check every key, and name the file, line and entry of a mistake."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from agentforge import languages
from agentforge.config import toml
from agentforge.config.check import nearest
from agentforge.detect.metric import FILE_METRICS, FUNCTION_METRICS
from agentforge.detect.patterns import shipped_rules
from agentforge.detect.rule import Level, Rule
from agentforge.errors import UsageError
from agentforge.model import Category, Confidence, Severity

_TEXT = (
    "id",
    "name",
    "category",
    "severity",
    "confidence",
    "message",
    "why",
    "suggestion",
    "query",
    "metric",
    "detector",
)
_REQUIRED = ("id", "name", "category", "message", "why", "suggestion")
_TYPES: dict[str, type] = {
    **dict.fromkeys(_TEXT, str),
    **dict.fromkeys(("literals", "languages", "bad", "good", "levels"), list),
    "cwe": int,
    "in_tests": bool,
    "enabled": bool,
}
_DETECTORS = {"waivers": {"problem"}, "duplicates": {"name", "other"}}  # what their messages may use
_ENTRY = re.compile(r"^[ \t]*\[\[\s*rule\s*\]\]", re.MULTILINE)
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_CAPTURE = re.compile(r"@([A-Za-z_][\w.-]*)")
_MOST_FILES = 200
_Member = TypeVar("_Member", bound=StrEnum)


@cache
def load(language: str) -> tuple[Rule, ...]:
    """The built-in rules of a language, sorted by id: its own, those it includes, those of all languages, and patterns.

    Raises:
        UsageError: a rule file is not usable as it stands.
    """
    folders = [languages.FOLDER / "common" / "rules", *_folders(language)]
    rules = collect(language, (file for folder in folders for file in sorted(folder.glob("*.toml"))))
    return tuple(sorted((*rules, *shipped_rules(language)), key=lambda rule: rule.id))


def load_folder(folder: str | Path, language: str) -> tuple[Rule, ...]:
    """A project's own rules that apply to a language, sorted by id (docs/rules.md, "Your own rules").

    Rules in `folder/*.toml` name their languages; those in `folder/<language>/*.toml` are for that language.

    Raises:
        UsageError: there is no such folder, a file is not usable, or an id is one of a built-in rule.
    """
    folder = Path(folder)
    files = [file for file in rule_files(folder) if file.parent == folder or file.parent.name == language]
    rules = collect(language, files, project=folder)
    built_in = {rule.id: rule for rule in load(language)}
    for rule in rules:
        if rule.id in built_in:
            raise UsageError(
                f"{rule.source}:{rule.line}: there is a built-in rule `{rule.id}` for {language}.",
                "Give yours another id, and switch the built-in one off if yours replaces it.",
            )
    return rules


def rule_files(folder: Path) -> list[Path]:
    """The files of a project's own rules: those right in a folder, and those in its folders named like a language.

    Raises:
        UsageError: there are none or too many, or they lie where nobody looks.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder of rules {folder}.", "Name a folder that holds *.toml files.")
    known = languages.names()
    found = sorted(folder.glob("*.toml"))
    for below in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(below.glob("*.toml"))
        if files and below.name not in known:
            raise UsageError(
                f"{below} holds rules, but there is no language `{below.name}`.", nearest(below.name, known)
            )
        if files and below.is_symlink():
            raise UsageError(f"{below} is a symbolic link.", "Put the rules themselves there.")
        found += files
    if not found:
        raise UsageError(f"There is no rule in {folder}.", "Rules are entries [[rule]] in *.toml files: docs/rules.md")
    if len(found) > _MOST_FILES:
        raise UsageError(f"{folder} holds more than {_MOST_FILES} files of rules.", "Join some of them.")
    return found


def collect(language: str, files: Iterable[Path], *, project: Path | None = None) -> tuple[Rule, ...]:
    """The rules in these files that apply to a language, sorted by id.

    Args:
        language: name of the language.
        files: in the order in which they are read.
        project: folder of a project's own rules, where they lie in one.

    Raises:
        UsageError: a file cannot be read, an entry is wrong, or two entries have the same id.
    """
    found: dict[str, Rule] = {}
    for file in files:
        for rule in read(file, language, project=project):
            if rule.id in found:
                raise UsageError(
                    f"{file}: rule `{rule.id}` is already defined in {found[rule.id].source}.",
                    "Give one of them another id.",
                )
            found[rule.id] = rule
    return tuple(found[id_] for id_ in sorted(found))


def read(file: Path, language: str, *, project: Path | None = None) -> tuple[Rule, ...]:
    """The rules of one file that apply to a language, in the order of the file.

    Args:
        file: with entries `[[rule]]`.
        language: name of the language.
        project: folder of a project's own rules that it lies in; right in it, a query rule names its `languages`.

    Raises:
        UsageError: the file cannot be read, or an entry is wrong.
    """
    text, document = _document(file)
    if project is not None and "include" in document:
        raise UsageError(
            f"{file}: `include` is for built-in rules.", "Name the languages of a rule: languages = [...]."
        )
    starts = [text.count("\n", 0, entry.start()) + 1 for entry in _ENTRY.finditer(text)]
    rules = []
    for number, entry in enumerate(document.get("rule", ())):
        line = starts[number] if number < len(starts) else 1
        read_entry = _Entry(file, line, entry, language)
        read_entry.check_languages(named=file.parent == project)
        applies = entry.get("languages")
        if not isinstance(applies, list) or language in applies:
            rules.append(read_entry.rule())
    return tuple(rules)


def _folders(language: str) -> list[Path]:
    """The rule folder of a language and of those that its files include."""
    own = languages.FOLDER / language / "rules"
    included = [
        languages.FOLDER / name / "rules"
        for file in sorted(own.glob("*.toml"))
        for name in _document(file)[1].get("include", ())
    ]
    return [*included, own]


def _document(file: Path) -> tuple[str, Mapping[str, Any]]:
    """The text of a rule file and what it says; the file is read each time, but what did not change is not parsed."""
    found = text(file)
    return found, _parsed(found, str(file))


def text(file: Path) -> str:
    """The text of a rule file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return toml.read_text(str(file), str(file))
    except FileNotFoundError:
        raise UsageError(f"The rule file {file} is not there any more.", "Run again.") from None


@lru_cache(maxsize=1000)
def _parsed(text: str, shown: str) -> Mapping[str, Any]:
    document = toml.parse(text, shown)
    if extra := set(document) - {"rule", "include"}:
        raise UsageError(
            f"{shown}: unknown key `{toml.printable(min(extra))}`.", "A rule file holds [[rule]] entries and `include`."
        )
    entries = document.get("rule", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{shown}: `rule` is not a list of entries.", "Write [[rule]] with two brackets.")
    return document


class _Entry:
    """One `[[rule]]` of a file, on its way to a `Rule`."""

    def __init__(self, file: Path, line: int, data: Mapping[str, Any], language: str) -> None:
        self.file, self.line, self.data, self.language = file, line, data, language

    def fail(self, problem: str, hint: str = "") -> UsageError:
        name = toml.printable(str(self.data.get("id") or "without an id"))
        return UsageError(f"{self.file}:{self.line}: rule `{name}`: {toml.printable(problem, 500)}", hint)

    def rule(self) -> Rule:
        self._check_keys()
        metric = self.data.get("metric", "")
        levels = self._levels() if metric else ()
        rule = Rule(
            id=self.data["id"],
            name=self.data["name"],
            category=self._member(Category, "category", None),
            severity=levels[0].severity if levels else self._member(Severity, "severity", None),
            confidence=self._member(Confidence, "confidence", Confidence.HIGH if metric else None),
            cwe=self.data.get("cwe"),
            message=self.data["message"],
            why=self.data["why"],
            suggestion=self.data["suggestion"],
            language=self.language,
            source=str(self.file),
            line=self.line,
            literals=tuple(literal.encode() for literal in self._texts("literals")),
            query=self.data.get("query", ""),
            metric=metric,
            levels=levels,
            detector=self.data.get("detector", ""),
            in_tests=self.data.get("in_tests", True),
            enabled=self.data.get("enabled", True),
            bad=self._texts("bad"),
            good=self._texts("good"),
        )
        self._check_meaning(rule)
        return rule

    def check_languages(self, *, named: bool) -> None:
        known = languages.names()
        for name in self._texts("languages"):
            if name not in known:
                raise self.fail(f"there is no language `{name}`.", nearest(name, known))
        if named and not self.data.get("languages") and not self.data.get("metric"):
            raise self.fail(
                "it names no language.", 'Write languages = ["python"], or put the file into a folder of that name.'
            )

    def _check_keys(self) -> None:
        for key, value in self.data.items():
            if key not in _TYPES:
                raise self.fail(f"unknown key `{key}`.", nearest(key, _TYPES))
            expected = _TYPES[key]
            if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
                raise self.fail(f"`{key}` must be {_kind(expected)}.")
        for key in _REQUIRED:
            if not self.data.get(key, "").strip():
                raise self.fail(f"`{key}` is missing or empty.")
        if not _ID.fullmatch(self.data["id"]):
            raise self.fail("an id is two or more lower-case words joined by `-`.")
        if sum(bool(self.data.get(key)) for key in ("query", "metric", "detector")) != 1:
            raise self.fail("exactly one of `query` and `metric` must be given.")

    def _check_meaning(self, rule: Rule) -> None:
        if rule.cwe is not None and rule.cwe < 1:
            raise self.fail("`cwe` is the number of a CWE entry, from 1.")
        if rule.category is Category.SECURITY and rule.cwe is None:
            raise self.fail("a security rule names its `cwe`.")
        if rule.detector:
            if rule.detector not in _DETECTORS:
                raise self.fail(f"there is no detector `{rule.detector}`.", nearest(rule.detector, _DETECTORS))
            allowed = _DETECTORS[rule.detector]
        elif rule.metric:
            allowed = {"value", "threshold", "name"}
        else:
            allowed = set(_CAPTURE.findall(rule.query))
            if "at" not in allowed:
                raise self.fail("the query must capture the place to report as `@at`.")
            if not rule.bad or not rule.good:
                raise self.fail("a query rule needs at least one `bad` and one `good` example.")
        for name in _PLACEHOLDER.findall(rule.message):
            if name not in allowed:
                raise self.fail(f"the message uses `{{{name}}}`, which nothing fills in.", nearest(name, allowed))

    def _levels(self) -> tuple[Level, ...]:
        metric = self.data["metric"]
        known = (*FUNCTION_METRICS, *FILE_METRICS)
        if metric not in known:
            raise self.fail(f"there is no metric `{metric}`.", nearest(metric, known))
        levels = []
        for item in self.data.get("levels", ()):
            if not (isinstance(item, dict) and set(item) == {"above", "severity"} and type(item["above"]) is int):
                raise self.fail('a level is written { above = 10, severity = "low" }.')
            levels.append(Level(item["above"], self._as_member(Severity, "severity", item["severity"])))
        if not levels or sorted(levels, key=lambda level: level.above) != levels:
            raise self.fail("a metric rule needs `levels`, lowest first.")
        return tuple(levels)

    def _texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.fail(f"`{key}` must be a list of texts that are not empty.")
        return tuple(value)

    def _member(self, kind: type[_Member], key: str, default: _Member | None) -> _Member:
        value = self.data.get(key, default)
        if value is None:
            raise self.fail(f"`{key}` is missing.")
        return self._as_member(kind, key, value)

    def _as_member(self, kind: type[_Member], key: str, value: object) -> _Member:
        try:
            return kind(str(value))
        except ValueError:
            raise self.fail(f"`{key}` is `{value}`; it must be one of {', '.join(kind)}.") from None


def _kind(expected: type) -> str:
    return {str: "a text", list: "a list", int: "a whole number", bool: "true or false"}[expected]
