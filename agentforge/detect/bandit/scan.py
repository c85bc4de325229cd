"""One file through bandit's tests."""

from __future__ import annotations

import io
import logging
import tokenize
from functools import cache
from typing import Any

from bandit.core import config as bandit_config
from bandit.core import (
    constants,
    docs_utils,
    extension_loader,
    manager,
    meta_ast,
    metrics,
    test_set,
    utils,
)

from agentforge.detect.bandit.config import BanditConfig
from agentforge.detect.bandit.visitor import Visitor
from agentforge.errors import UsageError
from agentforge.model import Category, Confidence, Severity, Violation
from agentforge.parse.python_ast import PythonAst

# bandit reports on its own progress through logging; what matters of it is in the results.
logging.getLogger("bandit").setLevel(logging.CRITICAL)


@cache
def _test_set(config: BanditConfig) -> test_set.BanditTestSet:
    try:
        settings = bandit_config.BanditConfig(config_file=config.file)
        profile: dict[str, Any] = {
            "include": set(config.tests or settings.get_option("tests") or ()),
            "exclude": set(config.skips or settings.get_option("skips") or ()),
        }
        extension_loader.MANAGER.validate_profile(profile)
        return test_set.BanditTestSet(settings, profile)
    except (utils.ConfigError, ValueError) as error:
        raise UsageError(f"bandit's configuration is not usable: {error}", "See bandit's documentation.") from None


def scan(python: PythonAst, path: str, location: str, raw: bytes, config: BanditConfig) -> list[Violation]:
    """The findings of `bandit` in a file.

    Args:
        python: the file's tree; without one bandit finds nothing.
        path: as shown.
        location: as opened, from which bandit tells the module's qualified name.
        raw: its bytes.
        config: the project's.

    Raises:
        RecursionError: the file is nested too deeply for bandit.
    """
    if python.module is None:
        return []
    data = io.BytesIO(raw)
    visitor = Visitor(
        location, data, meta_ast.BanditMetaAst(), _test_set(config), False, _nosec_lines(raw), metrics.Metrics()
    )
    visitor.metrics.begin(location)
    visitor.generic_visit(python.module)
    visitor.context = {
        "file_data": data,
        "filename": location,
        "lineno": 0,
        "linerange": [0, 1],
        "col_offset": 0,
    }
    visitor.tester.run_tests(visitor.context, "File")
    return [_violation(issue, path) for issue in visitor.tester.results]


def _nosec_lines(raw: bytes) -> dict[int, set[str] | None]:
    """Line -> the tests that its comment waives; an empty set waives all. Only a file that says so is tokenised."""
    lines: dict[int, set[str] | None] = {}
    if b"nosec" not in raw.lower():
        return lines
    try:
        for token in tokenize.tokenize(io.BytesIO(raw).readline):
            if token.type == tokenize.COMMENT:
                lines[token.start[0]] = manager._parse_nosec_comment(token.string)
    except tokenize.TokenError:
        pass  # bandit, too, goes on with what it has read
    return lines


def _violation(issue: Any, path: str) -> Violation:
    line = issue.lineno or 1
    return Violation(
        rule_id=issue.test_id,
        rule_name=issue.test,
        category=Category.SECURITY,
        severity=Severity(issue.severity.lower()) if issue.severity in constants.RANKING[1:] else Severity.INFO,
        confidence=Confidence(issue.confidence.lower()),
        cwe=issue.cwe.id or None,
        path=path,
        line=line,
        column=issue.col_offset + 1,
        end_line=max([line, *issue.linerange]),
        end_column=issue.end_col_offset + 1,
        message=issue.text,
        suggestion=f"See {docs_utils.get_url(issue.test_id)}",
    )
