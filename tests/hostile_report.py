"""One report with everything in it that could break a format."""

from __future__ import annotations

import dataclasses

from agentforge.model import (
    Analysis,
    Category,
    Confidence,
    FileAnalysis,
    FileMetrics,
    FlowStep,
    Function,
    Gate,
    GateCondition,
    Halstead,
    LanguageSummary,
    LineCounts,
    Phase,
    Project,
    Report,
    RuleInfo,
    Scores,
    Severity,
    SeverityCount,
    SkippedFile,
    Status,
    Summary,
    Violation,
    Waiver,
)

VERSION = "1.2.3"
BASE = Violation(
    rule_id="python-eval",
    rule_name="Evaluated text",
    category=Category.SECURITY,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    cwe=95,
    path="src/app.py",
    line=3,
    column=5,
    end_line=3,
    end_column=12,
    message="eval of `text`",
    suggestion="Use ast.literal_eval.",
    function="App.run",
    fingerprint="a" * 64,
)


def violation(number: int, **changes: object) -> Violation:
    """The base with some changes and a fingerprint of its own."""
    return dataclasses.replace(BASE, fingerprint=f"{number:064x}", **changes)  # type: ignore[arg-type]


VIOLATIONS = (
    violation(
        1,
        path="a folder/100%, 'q' :: @octocat #1 | `x` <b>.py",
        message='said: ::error::pwned%0A, "quoted" | `ticks` <script>alert(1)</script> @octocat fixes #12\n# no title',
        severity=Severity.CRITICAL,
        flow=(FlowStep(1, 9, 1, 13, "parameter `na\r\nme` <b> ::x | [l](http://evil)"),
              FlowStep(2, 5, 2, 5, "assigned to `q`")),
    ),
    violation(
        2,
        rule_id="B602",
        rule_name="subprocess_popen_with_shell_equals_true",
        cwe=78,
        tool="bandit",
        path="src/größe/名前.py",
        message="=cmd|' /C calc'!A0 \x00\x1b[31mred\u202egnp\u2028😀 ]]> [link](javascript:alert(1)) ![i](http://evil/x.png)",
        suggestion="See https://bandit.readthedocs.io/en/1.8.6/plugins/b602.html",
        end_line=5,
        end_column=2,
    ),
    violation(3, line=9, severity=Severity.MEDIUM, status=Status.OPEN, message="was there before"),
    violation(4, rule_id="size", rule_name="", cwe=None, category=Category.QUALITY, confidence=Confidence.UNDEFINED,
              severity=Severity.LOW, line=1, column=1, end_line=1, end_column=1, function="", suggestion="",
              message="-2+3 of\r\nlines", path="-dash\\x1f\\xe9.py", status=Status.REOPENED),
    violation(5, severity=Severity.INFO, status=Status.WAIVED, message="accepted", line=11,
              waiver=Waiver("a | reason, <i>\"so\"</i>", "inline")),
    violation(6, severity=Severity.HIGH, status=Status.WAIVED, message="accepted by ada", line=12,
              waiver=Waiver("until the rewrite", "stored", "ada", "2027-01-31")),
    violation(7, severity=Severity.HIGH, status=Status.FIXED, message="gone", line=40),
)  # fmt: skip
RULES = (
    RuleInfo("python-eval", "Evaluated text", Category.SECURITY, Severity.CRITICAL, Confidence.HIGH, 95,
             "Text from elsewhere becomes code.", "Use `ast.literal_eval`."),
    RuleInfo("size", "", Category.QUALITY, Severity.LOW, Confidence.UNDEFINED, None),
    RuleInfo("B602", "subprocess_popen_with_shell_equals_true", Category.SECURITY, Severity.HIGH, Confidence.HIGH, 78,
             "A shell reads the command.", "Pass a list. See https://bandit.readthedocs.io/en/1.8.6/plugins/b602.html",
             "bandit"),
)  # fmt: skip
FUNCTION = Function(
    name="run",
    qualified_name="App.run",
    signature='def run(self, text="<a>")',
    start_line=2,
    end_line=4,
    start_byte=10,
    end_byte=90,
    lines_of_code=3,
    parameters=2,
    cyclomatic=1,
    cognitive=0,
    nesting=0,
    halstead=Halstead(1, 2, 3, 4, 5.5, 6.25, 7.125),
    maintainability_index=88.5,
)
FILES = (
    FileAnalysis(
        "src/app.py",
        "python",
        90,
        "0" * 64,
        FileMetrics(LineCounts(4, 3, 0, 1), (FUNCTION,)),
        Scores(99.0, 88.0, 77.0),
    ),
    FileAnalysis(
        "src/größe/broken <x>.py",
        "python",
        9,
        "1" * 64,
        FileMetrics(LineCounts(1, 1), parse_error="unexpected `)` (line 1)"),
        Scores(100.0, 100.0, 100.0),
    ),
)
GATE = Gate(
    "at analysis 41 of main",
    (
        GateCondition("new high violations", 2, 0, passed=False),
        GateCondition("security score", 77.25, 90, passed=False, at_least=True),
        GateCondition("cognitive complexity of App.run, src/app.py:2", 3, 15, passed=True),
    ),
    frozenset(item.fingerprint for item in VIOLATIONS if item.status in (Status.NEW, Status.REOPENED)),
    VIOLATIONS[:2],
)
REPORT = Report(
    project=Project(
        7,
        "shop",
        "example.org/ada/shop",
        "/home/ada/shop",
        "git@example.org:ada/shop.git",
        "feature/ü",
        "0123456789abcdef0123456789abcdef01234567",
    ),
    analysis=Analysis(
        id=42,
        previous_id=41,
        status="completed",
        started_at="2026-11-26T01:00:00+00:00",
        completed_at="2026-11-26T01:00:02+00:00",
        engine_version="1.2.3+abcdef012345",
        model="hashed",
        partial=False,
        scopes=(),
        files_analyzed=2,
        files_unchanged=1,
        files_removed=0,
        phases=(Phase("walk", 0.25, 3),),
        skipped=(SkippedFile("logo.png", "binary"), SkippedFile("secret key.py", "no permission")),
    ),
    summary=Summary(
        languages=(LanguageSummary("python", 2, 1, 4, Scores(99.0, 88.0, 77.25)),),
        severities=(
            SeverityCount(Severity.CRITICAL, 1, 0, 0),
            SeverityCount(Severity.HIGH, 1, 1, 0),
            SeverityCount(Severity.MEDIUM, 0, 0, 1),
            SeverityCount(Severity.LOW, 1, 0, 0),
            SeverityCount(Severity.INFO, 0, 0, 0),
        ),
        worst_functions=(),
        top_violations=VIOLATIONS[:3],
        parse_errors=1,
    ),
    files=FILES,
    violations=VIOLATIONS,
    rules=RULES,
    gate=GATE,
)
SOURCE = b"class App:\n  def run(self, text='<a>'):\n    return eval(text)\n"


def read(path: str) -> bytes | None:
    """Only one of the files is there."""
    return SOURCE if path == "src/app.py" else None
