"""What an imported finding is over several reports: the same as for our own, from the tree where it is here."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from agentforge import languages, measure, parse
from agentforge.detect.fingerprint import assign
from agentforge.model import Function, Violation
from agentforge.pipeline.sarif.log import Finding

_HEAD_BYTES = 4096


def identify(findings: Sequence[Finding], tool: str, read: Callable[[str], bytes | None]) -> list[Violation]:
    """Violations with enclosing function, line hash and fingerprint, by place.

    Where the file is here, the line is the tree's, columns are code points, and all is computed as for our own; where
    it is not, the line is the one that the log quotes, else the tool's own fingerprint stands for it. The tool goes
    into the fingerprint, so that two tools' findings never meet. A result that is there twice counts once.

    Args:
        findings: of one tool.
        tool: its name.
        read: gives the bytes of a file of the project by its path, None where it is not here.
    """
    files: dict[str, dict[tuple[object, ...], Finding]] = {}
    for finding in findings:
        item = finding.violation
        place = (item.rule_id, item.line, item.column, item.end_line, item.end_column, item.message, finding.partial)
        files.setdefault(item.path, {}).setdefault(place, finding)
    result: list[Violation] = []
    for path, places in sorted(files.items()):
        raw = read(path)
        found = list(places.values())
        result.extend(_from_log(found) if raw is None else _from_tree(path, raw, found))
    return [dataclasses.replace(item, fingerprint=_of_tool(tool, item.fingerprint)) for item in result]


def _of_tool(tool: str, fingerprint: str) -> str:
    return hashlib.sha256(f"imported\0{tool}\0{fingerprint}".encode()).hexdigest()


def _from_tree(path: str, raw: bytes, findings: Sequence[Finding]) -> tuple[Violation, ...]:
    decoded = parse.decode(raw)
    lines = decoded.text.split("\n")
    violations = [_in_code_points(finding, lines) if finding.utf16 else finding.violation for finding in findings]
    return assign(violations, decoded.text, _functions(path, raw, decoded))


def _functions(path: str, raw: bytes, decoded: parse.Decoded) -> Sequence[Function]:
    language = languages.detect(path, raw[:_HEAD_BYTES])
    if language is None:
        return ()
    try:
        return measure.measure(parse.parse(language, decoded), decoded).functions
    except parse.ParseTimeoutError:
        return ()


def _in_code_points(finding: Finding, lines: Sequence[str]) -> Violation:
    item = finding.violation
    return dataclasses.replace(
        item,
        column=_code_points(lines, item.line, item.column),
        end_column=_code_points(lines, item.end_line, item.end_column),
    )


def _code_points(lines: Sequence[str], line: int, column: int) -> int:
    """A column in UTF-16 code units, from 1, as one in code points."""
    if not 0 < line <= len(lines) or lines[line - 1].isascii():
        return column
    units = lines[line - 1].encode("utf-16-le", "surrogatepass")
    return len(units[: 2 * (column - 1)].decode("utf-16-le", "ignore")) + 1


def _from_log(findings: Sequence[Finding]) -> Iterator[Violation]:
    seen: Counter[tuple[str, ...]] = Counter()
    for finding in sorted(findings, key=lambda found: (found.violation.line, found.violation.column)):
        item = finding.violation
        line = "".join(finding.line_text.split()) or finding.partial or item.message
        key = (item.rule_id, item.path, item.function, line.replace("\0", ""))
        parts = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        yield dataclasses.replace(
            item,
            line_hash=hashlib.sha256(line.encode("utf-8", "replace")).hexdigest(),
            fingerprint=hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest(),
        )
