"""What is known of a file: where it is, its measures, functions and scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

from agentforge.model.violation import Violation


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

    @classmethod
    def of(cls, distinct_operators: int, distinct_operands: int, operators: int, operands: int) -> Halstead:
        """From the counts: volume N log2 n, difficulty n1/2 * N2/n2, effort D * V."""
        vocabulary = distinct_operators + distinct_operands
        volume = (operators + operands) * math.log2(vocabulary) if vocabulary else 0.0
        difficulty = (distinct_operators * operands) / (2 * distinct_operands) if distinct_operands else 0.0
        return cls(distinct_operators, distinct_operands, operators, operands, volume, difficulty, difficulty * volume)


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
        code_hash: of its code without comments and with white space collapsed, in hex: equal for identical bodies.
        description: the beginning of what is written about it, in its docstring or in front of it, on one line.
        features: opaque bytes made by `agentforge.embed.features` for embedders that work from the tree.
        idioms: names of the patterns of this type that it falls within.
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
    description: str = ""
    features: bytes = b""
    idioms: tuple[str, ...] = ()


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
class FileMetrics:
    """What `measure` finds in one file.

    `parse_error` is the reason why the file, or the part of it that a tool needs, could not be parsed;
    `error_share` is the share (0 to 1) of its bytes that tree-sitter could make nothing of.
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
    """Everything known about one version of one file.

    `suspects` are violations only where the whole project says so; they count nowhere before that.
    """

    path: str
    language: str | None
    size: int
    content_hash: str
    metrics: FileMetrics
    scores: Scores
    violations: tuple[Violation, ...] = ()
    is_test: bool = False
    suspects: tuple[Violation, ...] = ()
