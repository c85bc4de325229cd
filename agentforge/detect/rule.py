"""What a rule is: an entry of data, and nothing that depends on a file."""

from __future__ import annotations

from dataclasses import dataclass

from agentforge.model import Category, Confidence, FlowStep, Severity, Violation


@dataclass(frozen=True, slots=True)
class Level:
    """A measure above `above` is a violation of this severity; of several levels the highest passed counts."""

    above: int
    severity: Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one language (docs/rules.md describes each key of an entry).

    Attributes:
        severity: of a query rule; a metric rule takes it from the level that was passed, and this is the lowest one.
        message: with `{capture}` where the text of a capture goes; in metric rules with `{value}`, `{threshold}` and
            `{name}`.
        literals: every match of the query covers one of them, byte for byte; none means that the rule is tried
            on every file.
        query: tree-sitter patterns that capture the place as `@at`, and a value that is followed back as `@source`;
            empty for a metric rule.
        metric: name of the measure that a metric rule compares with `levels`; empty for a query rule.
        detector: what finds it where that is neither a query nor a metric (`waivers`, `duplicates`).
        in_tests: whether the rule applies to files that hold tests.
        examples of code: `bad` breaks the rule at least once each, `good` never does.
        source: file that the rule comes from, for messages.
        line: of its entry in that file, from 1; 0 where it comes from no file.
    """

    id: str
    name: str
    category: Category
    severity: Severity
    confidence: Confidence
    cwe: int | None
    message: str
    why: str
    suggestion: str
    language: str
    source: str
    line: int = 0
    literals: tuple[bytes, ...] = ()
    query: str = ""
    metric: str = ""
    levels: tuple[Level, ...] = ()
    detector: str = ""
    in_tests: bool = True
    enabled: bool = True
    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()

    # agentforge: ignore[many-parameters] four of them are a place
    def broken(
        self,
        path: str,
        message: str,
        *,
        line: int,
        column: int,
        end_line: int,
        end_column: int,
        severity: Severity | None = None,
        function: str = "",
        line_hash: str = "",
        flow: tuple[FlowStep, ...] = (),
    ) -> Violation:
        """A violation of this rule, without a fingerprint.

        Args:
            path: of the file.
            message: filled in.
            line, column, end_line, end_column: the place, as in `Violation`.
            severity: None for the rule's own.
            function: qualified name of the enclosing one.
            line_hash: of the line's text.
            flow: where the value comes from that is used here.
        """
        return Violation(
            rule_id=self.id,
            rule_name=self.name,
            category=self.category,
            severity=severity or self.severity,
            confidence=self.confidence,
            cwe=self.cwe,
            path=path,
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
            message=message,
            suggestion=self.suggestion,
            function=function,
            line_hash=line_hash,
            flow=flow,
        )
