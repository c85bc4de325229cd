"""The identity of a violation over runs: what is broken and in which code, never at which line number."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

from agentforge.model import Function, Violation


def assign(violations: Iterable[Violation], text: str, functions: Sequence[Function]) -> tuple[Violation, ...]:
    """The violations of one file, by place, with enclosing function, line hash and fingerprint.

    The fingerprint is the SHA-256 of rule, path, enclosing function, the line without white space, and how many equal
    ones came before it; the parts are told apart by a NUL, which none of them holds.

    Args:
        violations: of one file.
        text: of the file.
        functions: of the file.
    """
    violations = sorted(violations, key=lambda item: (item.line, item.column, item.rule_id, item.message))
    lines = text.split("\n") if violations else []
    seen: Counter[tuple[str, ...]] = Counter()
    result = []
    for item in violations:
        line = "".join(lines[item.line - 1].split()) if item.line <= len(lines) else ""
        function = _enclosing(functions, item.line)
        key = (item.rule_id, item.path, function, line.replace("\0", ""))
        parts = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        result.append(
            dataclasses.replace(
                item,
                function=function,
                line_hash=hash_line(line),
                fingerprint=hashlib.sha256(parts.encode()).hexdigest(),
            )
        )
    return tuple(result)


def hash_line(line: str) -> str:
    """SHA-256 of a line's text without its white space."""
    return hashlib.sha256("".join(line.split()).encode("utf-8", "replace")).hexdigest()


def _enclosing(functions: Sequence[Function], line: int) -> str:
    """The qualified name of the innermost function around a line, empty where there is none."""
    around = [function for function in functions if function.start_line <= line <= function.end_line]
    return max(around, key=lambda function: function.start_line).qualified_name if around else ""
