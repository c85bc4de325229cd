"""Whether a run may pass: conditions over what counts as new. Pure; `new_code` says what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentforge.config.settings import GateSettings
from agentforge.model import (
    Category,
    Confidence,
    Function,
    FunctionRef,
    Gate,
    GateCondition,
    LanguageSummary,
    Scores,
    Severity,
    Summary,
    Violation,
)

SHOWN_FIRST = 3
_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class NewFunction:
    """A function that is new, or that became more complex.

    Attributes:
        path: of its file.
        function: as it is now.
        added: whether it was not there before.
        cyclomatic, cognitive: whether it has more of that complexity than before; both hold for an added one.
        duplicate_of: another function that is nearly the same code, as `name, path:line`; empty where there is none.
        compared: whether it is long enough to be compared with others.
    """

    path: str
    function: Function
    added: bool = True
    cyclomatic: bool = True
    cognitive: bool = True
    duplicate_of: str = ""
    compared: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gate looks at.

    Attributes:
        basis: what new means, for people; empty where everything counts.
        violations: those that count, worst first, none of them waived.
        functions: those that count.
        scores: of the project, None where it was not looked at as a whole.
        counts: number of violations by severity, where `violations` are only the worst.
        summary: of the run; says what to fix where a score is too low.
    """

    basis: str
    violations: Sequence[Violation]
    functions: Sequence[NewFunction] = ()
    scores: Scores | None = None
    counts: Mapping[Severity, int] | None = None
    summary: Summary | None = None


def project_scores(languages: Sequence[LanguageSummary]) -> Scores:
    """The scores of a project: means of its languages' scores, weighted by their code lines; 100 without any."""
    measured = [row for row in languages if row.language is not None and row.code_lines]
    total = sum(row.code_lines for row in measured)

    def mean(score: Callable[[Scores], float]) -> float:
        return sum(score(row.scores) * row.code_lines for row in measured) / total if total else 100.0

    return Scores(mean(lambda row: row.complexity), mean(lambda row: row.quality), mean(lambda row: row.security))


def evaluate(settings: GateSettings, evidence: Evidence) -> Gate:
    """Judge a run.

    Args:
        settings: the conditions; those that are None are not looked at.
        evidence: what the run found.

    Returns:
        Each condition with what was found. More violations, more complex functions, more duplicates or lower scores
        never make a gate pass that failed.
    """
    judged = list(_judge(settings, evidence))
    culprits: dict[tuple[str, int, str, str], Violation] = {}
    for condition, guilty in judged:
        for item in guilty if not condition.passed else ():
            culprits.setdefault((item.path, item.line, item.rule_id, item.message), item)
    return Gate(
        basis=evidence.basis,
        conditions=tuple(condition for condition, _ in judged),
        new=frozenset(item.fingerprint for item in evidence.violations) if evidence.basis else frozenset(),
        first=tuple(sorted(culprits.values(), key=lambda item: _RANK[item.severity])[:SHOWN_FIRST]),
    )


_Judged = tuple[GateCondition, Sequence[Violation]]


def _judge(settings: GateSettings, evidence: Evidence) -> Iterator[_Judged]:
    yield from _violations(settings, evidence)
    yield from _functions(settings, evidence)
    yield from _scores(settings, evidence)


def _violations(settings: GateSettings, evidence: Evidence) -> Iterator[_Judged]:
    counts = evidence.counts
    if counts is None:
        counts = Counter(item.severity for item in evidence.violations)
    news = "new " if evidence.basis else ""
    if settings.fail_on is not None:
        wanted = [severity for severity in Severity if _RANK[severity] <= _RANK[settings.fail_on]]
        what = f"{news}violations, {settings.fail_on} or worse"
        if len(wanted) in (1, len(Severity)):
            what = f"{news}{wanted[0]} violations" if len(wanted) == 1 else f"{news}violations"
        yield _at_most(what, sum(counts.get(severity, 0) for severity in wanted), 0), _of(evidence, wanted)
    for severity in Severity:
        if severity in settings.new_violations:
            limit = settings.new_violations[severity]
            yield _at_most(f"{news}{severity} violations", counts.get(severity, 0), limit), _of(evidence, [severity])


def _of(evidence: Evidence, severities: Sequence[Severity]) -> list[Violation]:
    return [item for item in evidence.violations if item.severity in severities]


def _functions(settings: GateSettings, evidence: Evidence) -> Iterator[_Judged]:
    news = "new or more complex" if evidence.basis else "all"
    if settings.new_cyclomatic is not None:
        counted = [(item.function.cyclomatic, item) for item in evidence.functions if item.cyclomatic]
        yield _complexity("cyclomatic", news, counted, settings.new_cyclomatic)
    if settings.new_cognitive is not None:
        counted = [(item.function.cognitive, item) for item in evidence.functions if item.cognitive]
        yield _complexity("cognitive", news, counted, settings.new_cognitive)
    if settings.new_duplication is not None:
        yield _duplication(evidence, settings.new_duplication)


def _complexity(measure: str, news: str, counted: list[tuple[int, NewFunction]], limit: int) -> _Judged:
    """One condition for the worst function; how many others are over the limit stands beside it."""
    counted.sort(key=lambda row: (-row[0], row[1].path, row[1].function.start_line))
    over = [row for row in counted if row[0] > limit]
    subject = f"{measure} complexity of {news} functions"
    if counted:
        worst = counted[0][1]
        subject = f"{measure} complexity of {worst.function.qualified_name}, {worst.path}:{worst.function.start_line}"
        if len(over) > 1:
            subject += f" (and {len(over) - 1} more over the limit)"
    guilty = [
        _thing(measure, item, f"has a {measure} complexity of {value}, {limit} are allowed") for value, item in over
    ]
    return _at_most(subject, counted[0][0] if counted else 0, limit), guilty


def _duplication(evidence: Evidence, limit: float) -> _Judged:
    """The share of lines in copies; the longest copy stands first."""
    compared = [item for item in evidence.functions if item.added and item.compared]
    copies = [item for item in compared if item.duplicate_of]
    lines = sum(item.function.lines_of_code for item in compared)
    share = 100 * sum(item.function.lines_of_code for item in copies) / lines if lines else 0.0
    which = "new" if evidence.basis else "all"
    longest = sorted(copies, key=lambda item: (-item.function.lines_of_code, item.path, item.function.start_line))
    return (
        _at_most(f"percent of the lines of {which} functions that are nearly the same as others", share, limit),
        [_thing("duplication", item, f"is nearly the same as {item.duplicate_of}") for item in longest],
    )


def _scores(settings: GateSettings, evidence: Evidence) -> Iterator[_Judged]:
    if evidence.scores is None:
        return
    summary = evidence.summary
    violations = summary.top_violations if summary else ()
    security = [item for item in violations if item.category is Category.SECURITY]
    others = [item for item in violations if item.category is not Category.SECURITY]
    complex_ones = [_named(function) for function in summary.worst_functions] if summary else []
    for name, limit, score, guilty in (
        ("complexity", settings.min_complexity_score, evidence.scores.complexity, complex_ones),
        ("quality", settings.min_quality_score, evidence.scores.quality, others),
        ("security", settings.min_security_score, evidence.scores.security, security),
    ):
        if limit is not None:
            yield GateCondition(f"{name} score of the project", score, limit, score >= limit, at_least=True), guilty


def _at_most(subject: str, actual: float, limit: float) -> GateCondition:
    return GateCondition(subject, actual, limit, actual <= limit)


def _thing(measure: str, item: NewFunction, text: str) -> Violation:
    function = item.function
    return _to_fix(
        measure, item.path, function.qualified_name, function.start_line, f"{function.qualified_name} {text}"
    )


def _named(function: FunctionRef) -> Violation:
    text = f"{function.qualified_name} has a cognitive complexity of {function.cognitive}"
    return _to_fix("cognitive", function.path, function.qualified_name, function.start_line, text)


def _to_fix(measure: str, path: str, function: str, line: int, message: str) -> Violation:
    """A function that the gate does not let pass, in the shape in which all things to fix are shown."""
    copy = measure == "duplication"
    return Violation(
        rule_id=f"gate-{measure}",
        rule_name="Duplicate of another function" if copy else f"Too high {measure} complexity",
        category=Category.QUALITY,
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        cwe=None,
        path=path,
        line=line,
        column=1,
        end_line=line,
        end_column=1,
        message=message,
        suggestion="Call the other one." if copy else "Move steps that have a name of their own into functions.",
        function=function,
    )
