"""What an analysis says of a project."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from agentforge.model.source import FileAnalysis, Function, Scores, SkippedFile
from agentforge.model.violation import RuleInfo, Severity, Violation


@dataclass(frozen=True, slots=True)
class Project:
    """What an analysis belongs to. `key` is its identity: the normalised repository URL, else the root's real path."""

    id: int | None
    name: str
    key: str
    root: str
    repository_url: str | None = None
    branch: str = ""
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """Seconds of wall time spent in one phase of an analysis and the rows (files, functions, ...) it handled."""

    name: str
    seconds: float
    rows: int


@dataclass(frozen=True, slots=True)
class FunctionRef:
    """A function as a person looks it up: where it is, what it is called, how big and complex it is.

    `code`, `id` and `description` (what is written about it) are empty where nobody asked for them.
    """

    project: str
    path: str
    language: str | None
    qualified_name: str
    signature: str
    start_line: int
    end_line: int
    lines_of_code: int
    cyclomatic: int
    cognitive: int
    code: str = ""
    id: int | None = None
    description: str = ""

    @classmethod
    def of(cls, function: Function, project: str, path: str, language: str | None, code: str = "") -> FunctionRef:
        """That of a function which was measured, in a file of a project."""
        return cls(
            project,
            path,
            language,
            function.qualified_name,
            function.signature,
            function.start_line,
            function.end_line,
            function.lines_of_code,
            function.cyclomatic,
            function.cognitive,
            code,
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why two functions are near.

    Attributes:
        words, structure: cosine of the two channels of the model `fast`, whichever model compared.
        shared_calls: names that both call, the rarest first, as the function in question writes them.
        text: all of it in words.
    """

    words: float
    structure: float
    shared_calls: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """A function near another one.

    Attributes:
        cosine: of the two vectors, at most 1.
        function: that is near.
        score: the share of pairs as near and as alike that were judged the same; the cosine where the model was never
            calibrated.
        alike: how alike name, parameters and calls of the two are, 0 to 1; None where the cosine alone counts.
        explanation: None where nobody asked for it, or the code of one of them cannot be parsed.
    """

    cosine: float
    function: FunctionRef
    score: float
    alike: float | None = None
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A function that a text finds.

    Attributes:
        score: 1 where it is the first by words and by vector, less the later it comes.
        function: that was found.
        word_rank, vector_rank: its place by words and by the vector, from 1; None where it is not among the first.
    """

    score: float
    function: FunctionRef
    word_rank: int | None
    vector_rank: int | None


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two functions of one project that are nearly the same code; `score` is as in `Match`."""

    score: float
    first: FunctionRef
    second: FunctionRef


@dataclass(frozen=True, slots=True)
class ClusterMember:
    """A function of a cluster: `cosine` and `score` are those of it and the first, as in `Match`; `is_new` says that
    the last analysis met it, or that it was changed since a git ref.
    """

    cosine: float
    score: float
    function: FunctionRef
    is_new: bool


@dataclass(frozen=True, slots=True)
class Cluster:
    """Functions that are nearly the same code.

    Attributes:
        lines: lines of code, docstrings aside, that go if one of them, the longest, is kept.
        members: the first is the one that all others are nearly the same as; they follow from most to least alike.
    """

    lines: int
    members: tuple[ClusterMember, ...]


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A new function that exists already: `cosine` and `score` are those of the two, as in `Match`."""

    cosine: float
    score: float
    function: FunctionRef
    existing: FunctionRef


@dataclass(frozen=True, slots=True)
class LanguageSummary:
    """Totals of one language (None: other text); scores are means over files outside tests, weighted by
    code lines; over all files where there are tests only.
    """

    language: str | None
    files: int
    functions: int
    code_lines: int
    scores: Scores


@dataclass(frozen=True, slots=True)
class SeverityCount:
    """Violations of one severity since the last analysis. `new` ones were not there then, be they found for the first
    time or reopened; `remaining` ones were.
    """

    severity: Severity
    new: int
    fixed: int
    remaining: int


@dataclass(frozen=True, slots=True)
class IdiomCount:
    """How many functions are an idiom, by the name of its pattern."""

    name: str
    functions: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a person reads at the end of an analysis; the whole project as of this analysis.

    `waived` violations are in none of the other figures.
    """

    languages: tuple[LanguageSummary, ...]
    severities: tuple[SeverityCount, ...]
    worst_functions: tuple[FunctionRef, ...]
    top_violations: tuple[Violation, ...]
    parse_errors: int = 0
    duplicates: tuple[DuplicatePair, ...] = ()
    duplicate_count: int = 0
    waived: int = 0
    idioms: tuple[IdiomCount, ...] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """One run over a project. `id` and `previous_id` are None without a database or before the first analysis.

    `previous_id` is the analysis that this one is compared with: the last one of its branch, else of the default
    branch.
    `files_analyzed` were parsed in this run, `files_unchanged` were not, `files_removed` are gone since the last one.
    `partial` runs looked at `scopes` only. Times are ISO 8601 in UTC.
    """

    id: int | None
    previous_id: int | None
    status: str
    started_at: str
    completed_at: str | None
    engine_version: str
    model: str | None
    partial: bool
    scopes: tuple[str, ...]
    files_analyzed: int
    files_unchanged: int
    files_removed: int
    phases: tuple[Phase, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class GateCondition:
    """One condition of the gate: `actual` may be at most `limit`, at least where `at_least`.

    `subject` says what is counted, for people (`new high violations`, `cognitive complexity of load, src/a.py:12`).
    """

    subject: str
    actual: float
    limit: float
    passed: bool
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a run may pass.

    Attributes:
        basis: what new means here, for people (`since analysis 41 of main`, `since the merge base with origin/main`);
            empty where everything counts.
        conditions: all that were looked at.
        new: fingerprints of the violations that count as new.
        first: what to fix first, at most three.
    """

    basis: str
    conditions: tuple[GateCondition, ...]
    new: frozenset[str] = frozenset()
    first: tuple[Violation, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every condition holds."""
        return all(condition.passed for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Report:
    """All that a format can show. `files` and `violations` are complete only where the format asked for them.

    Both may be read as often as one likes, and may be more than memory holds: files are in the order of paths,
    violations the worst first. `rules` are those that the violations break. `gate` is None where no gate was asked for.
    """

    project: Project
    analysis: Analysis
    summary: Summary
    files: Collection[FileAnalysis] = ()
    violations: Collection[Violation] = ()
    rules: tuple[RuleInfo, ...] = ()
    gate: Gate | None = None
