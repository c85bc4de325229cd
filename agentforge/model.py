"""What flows between the stages: frozen records with no behaviour beyond derived values.

Lines and columns count from 1, bytes from 0; an end line is inclusive, an end byte exclusive, an end column exclusive.
Scores run from 0 to 100 and 100 is best. Hashes are lower-case hexadecimal SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a violation is, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Confidence(StrEnum):
    """How sure the detector is that the violation is real."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNDEFINED = "undefined"


class Category(StrEnum):
    """What a rule protects."""

    QUALITY = "quality"
    SECURITY = "security"
    RELIABILITY = "reliability"
    PERFORMANCE = "performance"


class Status(StrEnum):
    """Where a violation stands in its life."""

    NEW = "new"
    OPEN = "open"
    FIXED = "fixed"
    REOPENED = "reopened"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that will be analysed, as `walk` found it.

    Attributes:
        path: relative to the project's root, `/` between parts; what cannot be shown or stored (undecodable bytes,
            control characters) is escaped as `\\xNN`, so it is printable UTF-8 and unique.
        location: where to open it (`os.fsdecode` form, may hold surrogates).
        size: bytes.
        content_hash: SHA-256 of the bytes.
        language: name of a folder in `agentforge/languages`, or None for text of which only the lines are counted.
    """

    path: str
    location: str
    size: int
    content_hash: str
    language: str | None


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that `walk` or a worker left out, and why (`binary`, `generated`, `vendored`, `minified`, ...)."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class LineCounts:
    """Lines of a file: physical lines, lines with code, lines with only a comment, and blank ones."""

    physical: int = 0
    code: int = 0
    comment: int = 0
    blank: int = 0


@dataclass(frozen=True, slots=True)
class Halstead:
    """Halstead's measures (Elements of Software Science, 1977).

    `distinct_operators` is n1, `distinct_operands` n2, `operators` N1 and `operands` N2.
    """

    distinct_operators: int = 0
    distinct_operands: int = 0
    operators: int = 0
    operands: int = 0
    volume: float = 0.0
    difficulty: float = 0.0
    effort: float = 0.0


@dataclass(frozen=True, slots=True)
class Function:
    """A function, method, constructor or closure with a name, and its measures.

    Attributes:
        name: as written (`save`); an anonymous function bound to a name has that name.
        qualified_name: with its classes, namespaces and enclosing functions, joined by `.` (`Model.save`).
        signature: the header on one line, without the body (`def save(self, force=False)`).
        lines_of_code: lines of its span that hold code (neither blank nor only a comment).
        parameters: how many, the receiver (`self`, `this`) included where the language writes it as a parameter.
        cyclomatic, cognitive: McCabe 1976; Campbell 2018.
        nesting: deepest nesting of control structures, 0 for a straight line.
        maintainability_index: 0 to 100.
        code: its source text (comments included), as UTF-8 text with `\\n` line ends.
        code_hash: SHA-256 of its code without comments and with white space collapsed: equal for identical bodies.
        features: opaque bytes made by `agentforge.embed.features` for embedders that work from the tree.
    """

    name: str
    qualified_name: str
    signature: str
    start_line: int
    end_line: int
    start_byte: int
    end_byte: int
    lines_of_code: int
    parameters: int
    cyclomatic: int
    cognitive: int
    nesting: int
    halstead: Halstead
    maintainability_index: float
    code: str = ""
    code_hash: str = ""
    features: bytes = b""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file outside its functions, to be embedded.

    `kind` is `module` or `class`; `name` is the qualified name of the class, empty at module level. `code_hash` and
    `features` are as in `Function`.
    """

    kind: str
    name: str
    start_line: int
    end_line: int
    start_byte: int
    end_byte: int
    code: str
    code_hash: str
    features: bytes = b""


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule broken at a place.

    Attributes:
        cwe: number of the Common Weakness Enumeration entry, None where there is none.
        function: qualified name of the enclosing function, empty at module level.
        line_hash: SHA-256 of the line's text with its white space removed; identity survives edits elsewhere.
        fingerprint: identity of the violation over runs (design.md, section 3).
    """

    rule_id: str
    rule_name: str
    category: Category
    severity: Severity
    confidence: Confidence
    cwe: int | None
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    suggestion: str
    function: str = ""
    line_hash: str = ""
    fingerprint: str = ""
    status: Status = Status.NEW


@dataclass(frozen=True, slots=True)
class FileMetrics:
    """What `measure` finds in one file.

    `parse_error` is the reason why the file, or the part of it that a tool needs, could not be parsed;
    `error_share` is the share (0 to 1) of its bytes inside tree-sitter ERROR nodes.
    """

    lines: LineCounts
    functions: tuple[Function, ...] = ()
    chunks: tuple[Chunk, ...] = ()
    classes: int = 0
    maintainability_index: float | None = None
    halstead: Halstead | None = None
    parse_error: str | None = None
    error_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Scores:
    """The three scores of a file (docs/scores.md)."""

    complexity: float
    quality: float
    security: float


@dataclass(frozen=True, slots=True)
class FileAnalysis:
    """Everything known about one version of one file."""

    path: str
    language: str | None
    size: int
    content_hash: str
    metrics: FileMetrics
    scores: Scores
    violations: tuple[Violation, ...] = ()
    is_test: bool = False


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
    """A function as a person looks it up: where it is, what it is called, how big and complex it is."""

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


@dataclass(frozen=True, slots=True)
class Match:
    """A function near another one; `score` is the cosine similarity, at most 1."""

    score: float
    function: FunctionRef


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two functions of one project that are nearly the same code."""

    score: float
    first: FunctionRef
    second: FunctionRef


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
class Summary:
    """What a person reads at the end of an analysis; the whole project as of this analysis."""

    languages: tuple[LanguageSummary, ...]
    severities: tuple[SeverityCount, ...]
    worst_functions: tuple[FunctionRef, ...]
    top_violations: tuple[Violation, ...]
    parse_errors: int = 0
    duplicates: tuple[DuplicatePair, ...] = ()
    duplicate_count: int = 0


@dataclass(frozen=True, slots=True)
class Analysis:
    """One run over a project. `id` and `previous_id` are None without a database or before the first analysis.

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
class Report:
    """All that a format can show. `files` and `violations` are complete only where the format asked for them."""

    project: Project
    analysis: Analysis
    summary: Summary
    files: tuple[FileAnalysis, ...] = ()
    violations: tuple[Violation, ...] = ()
