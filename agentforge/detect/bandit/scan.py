"""One file through bandit's tests."""

from __future__ import annotations

import io
import logging
import re
import tokenize
from functools import cache
from typing import Any

from bandit.core import config as bandit_config
from bandit.core import (
    constants,
    docs_utils,
    extension_loader,
    manager,
    test_set,
    utils,
)

from agentforge.detect.bandit.config import BanditConfig
from agentforge.detect.bandit.plan import Plan
from agentforge.detect.bandit.visitor import NosecLines, Visitor
from agentforge.errors import UsageError
from agentforge.model import Category, Confidence, Severity, Violation
from agentforge.parse.python_ast import PythonAst

# bandit reports on its own progress through logging; what matters of it is in the results.
logging.getLogger("bandit").setLevel(logging.CRITICAL)

# Some messages show objects; where they lie in memory would make each run's messages new.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@cache
def _plan(config: BanditConfig) -> Plan:
    try:
        settings = bandit_config.BanditConfig(config_file=config.file)
        profile = _profile(settings, config)
        extension_loader.MANAGER.validate_profile(profile)
        return Plan(test_set.BanditTestSet(settings, profile))
    except (utils.ConfigError, utils.ProfileNotFound, ValueError) as error:
        raise UsageError(f"bandit's configuration is not usable: {error}", "See bandit's documentation.") from None


def _profile(settings: bandit_config.BanditConfig, config: BanditConfig) -> dict[str, Any]:
    """The tests to run and to leave out: those of the file or of its named profile, and those of `.bandit`."""
    if config.profile:
        found = (settings.get_option("profiles") or {}).get(config.profile)
        if found is None:
            raise utils.ProfileNotFound(config.file, config.profile)
        profile = dict(found)
    else:
        profile = {"include": settings.get_option("tests"), "exclude": settings.get_option("skips")}
    return {
        **profile,
        "include": {*(profile.get("include") or ()), *config.tests},
        "exclude": {*(profile.get("exclude") or ()), *config.skips},
    }


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
    visitor = Visitor(location, io.BytesIO(raw), _plan(config), _nosec_lines(raw))
    visitor.run(python.module, python.text)
    return [_violation(issue, path) for issue in visitor.results]


def _nosec_lines(raw: bytes) -> NosecLines:
    """Line -> the tests that its comment waives; an empty set waives all. Only a file that says so is tokenised."""
    lines: NosecLines = {}
    if b"nosec" not in raw:
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
        message=_ADDRESS.sub("", issue.text),
        suggestion=f"See {docs_utils.get_url(issue.test_id)}",
        tool="bandit",
    )
