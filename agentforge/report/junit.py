"""JUnit's XML, as Jenkins, GitLab, Azure DevOps and others read it: a suite a file, a failed case a violation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr  # nosec B406 - they parse nothing

from agentforge.model import Gate, Report, Status, Violation
from agentforge.report.choice import condition_text
from agentforge.report.text import one_line

# Everything that is no Char of XML 1.0 (https://www.w3.org/TR/xml/#charsets), and the line ends that parsers change.
_FORBIDDEN = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Suite:
    name: str
    violations: list[Violation]
    parse_error: str | None = None

    @property
    def failures(self) -> int:
        return sum(item.status is not Status.WAIVED for item in self.violations)

    @property
    def skipped(self) -> int:
        return len(self.violations) - self.failures

    @property
    def errors(self) -> int:
        return int(self.parse_error is not None)

    @property
    def tests(self) -> int:
        return len(self.violations) + self.errors


def render(report: Report) -> Iterator[str]:
    """The document, in pieces. Waived violations are skipped cases, files that did not parse are errors; a run without
    either has one case that passed, as some readers take an empty document for a fault.
    """
    suites = list(_suites(report))
    conditions = report.gate.conditions if report.gate else ()
    clean = not suites
    tests = sum(suite.tests for suite in suites) + len(conditions) + clean
    failures = sum(suite.failures for suite in suites) + sum(not item.passed for item in conditions)
    errors, skipped = sum(suite.errors for suite in suites), sum(suite.skipped for suite in suites)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    counts = _attributes(name="agentforge", tests=tests, failures=failures, errors=errors, skipped=skipped)
    yield f"<testsuites{counts}>\n"
    if report.gate is not None:
        yield from _gate(report.gate)
    for suite in suites:
        yield from _suite(suite)
    if clean:
        yield f"<testsuite{_attributes(name='agentforge', tests=1, failures=0, errors=0, skipped=0)}>\n"
        yield f"<testcase{_attributes(classname='agentforge', name='no violations', time='0')}/>\n</testsuite>\n"
    yield "</testsuites>\n"


def _suites(report: Report) -> Iterator[_Suite]:
    broken = {file.path: file.metrics.parse_error for file in report.files if file.metrics.parse_error is not None}
    present = [item for item in report.violations if item.status is not Status.FIXED]
    present.sort(key=lambda item: (item.path, item.line, item.column))
    for path, group in groupby(present, key=lambda item: item.path):
        yield _Suite(path, list(group), broken.pop(path, None))
    for path, reason in sorted(broken.items()):
        yield _Suite(path, [], reason)


def _gate(gate: Gate) -> Iterator[str]:
    failed = sum(not item.passed for item in gate.conditions)
    counts = _attributes(name="gate", tests=len(gate.conditions), failures=failed, errors=0, skipped=0)
    yield f"<testsuite{counts}>\n"
    for condition in gate.conditions:
        yield f"<testcase{_attributes(classname='gate', name=condition.subject, time='0')}"
        text = condition_text(condition)
        yield "/>\n" if condition.passed else f">\n<failure{_attributes(message=text, type='gate')}/>\n</testcase>\n"
    yield "</testsuite>\n"


def _suite(suite: _Suite) -> Iterator[str]:
    counts = _attributes(
        name=suite.name,
        tests=suite.tests,
        failures=suite.failures,
        errors=suite.errors,
        skipped=suite.skipped,
        time="0",
    )
    yield f"<testsuite{counts}>\n"
    if suite.parse_error is not None:
        case = _attributes(classname=suite.name, name="parse", file=suite.name, time="0")
        yield f"<testcase{case}>\n<error{_attributes(message=suite.parse_error, type='parse')}/>\n</testcase>\n"
    for violation in suite.violations:
        yield _case(violation)
    yield "</testsuite>\n"


def _case(item: Violation) -> str:
    name = f"{item.rule_id} at {item.line}:{item.column}"
    case = _attributes(classname=item.path, name=name, file=item.path, line=item.line, time="0")
    message = one_line(item.message)
    if item.status is Status.WAIVED:
        reason = item.waiver.reason if item.waiver else ""
        return f"<testcase{case}>\n<skipped{_attributes(message=f'waived: {reason}')}/>\n</testcase>\n"
    lines = [f"{item.path}:{item.line}:{item.column}", item.message]
    if item.suggestion:
        lines.append(item.suggestion)
    text = escape(_clean("\n".join(lines)))
    failure = _attributes(message=message, type=item.severity.value)
    return f"<testcase{case}>\n<failure{failure}>{text}</failure>\n</testcase>\n"


def _attributes(**values: str | int) -> str:
    return "".join(f" {name}={quoteattr(_clean(str(value)))}" for name, value in values.items())


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))
