"""Comments that waive violations: `agentforge: ignore[rule-id] reason`, and what a language has by custom.

docs/waivers.md says where such a comment may stand and what it covers. A file that holds no such words costs a search
for bytes.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tree_sitter import Node

from agentforge.detect.fingerprint import assign
from agentforge.detect.rule import Rule
from agentforge.detect.statements import extent, next_code_line
from agentforge.model import Function, Status, Violation, Waiver
from agentforge.parse import ParsedFile

WITHOUT_REASON = "waiver-without-reason"
UNUSED = "unused-waiver"
_MARKER = b"agentforge:"
_LEAD = rb"(?P<lead>(?:\#+|//+!?|/\*+!?|\*+|--+(?:\[=*\[)?|;+)[ \t]*)?"
_OURS = re.compile(
    _LEAD + rb"agentforge:[ \t]*ignore(?P<file>-file)?\b[ \t]*(?:\[(?P<ids>[^\]\n]*)\])?(?P<reason>[^\n]*)"
)
_CLOSERS = re.compile(rb"\s*(?:\*+/|--\]=*\]|\]=*\]|-->)\s*$")
_NEXT_COMMENT = re.compile(rb"[ \t]+(?:\#|//)[ \t]")
_BANDIT_ID = re.compile(r"B[1-9][0-9]{2}")
_EVERYWHERE = (1, 1 << 60)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment that waives.

    Attributes:
        patterns: ids of rules, or patterns of them (`python-*`).
        reason: empty where it gives none.
        start, end: its bytes, without what else the comment says.
        lines: first and last line that it covers.
        beside: the line of code that it stands behind or before; 0 for one alone on its line, or for the whole file.
        own: whether it is written our way; only such a one is reported when it has no reason or waives nothing.
    """

    patterns: tuple[str, ...]
    reason: str
    start: int
    end: int
    lines: tuple[int, int]
    beside: int
    own: bool

    def covers(self, violation: Violation, head: int) -> bool:
        """Whether a violation begins or ends on a line that is covered, or has the comment within it.

        Args:
            violation: of the file.
            head: the line where the head of the statement ends that begins where the violation does.
        """
        first, last = self.lines
        if first <= violation.line <= last or first <= violation.end_line <= last:
            return True
        return violation.line <= self.beside <= min(violation.end_line, head)


def identify(
    parsed: ParsedFile,
    text: str,
    found: Iterable[Violation],
    functions: Sequence[Function],
    rules: Iterable[Rule],
    path: str,
    *,
    complete: bool,
) -> tuple[Violation, ...]:
    """The violations of one file with fingerprints, those that a comment waives marked, and those of the waivers.

    A waiver is no part of the line that identifies a violation: adding one makes nothing new.

    Args:
        parsed: the file.
        text: of the file.
        found: what was detected in it.
        functions: of the file.
        rules: of its language that are switched on.
        path: of the file, as it appears in the violations.
        complete: whether everything could look for violations; otherwise no waiver is called unused.
    """
    markers = (_MARKER, *(custom.marker for custom in parsed.language.waivers))
    known = {rule.id: rule for rule in rules} if any(marker in parsed.data for marker in markers) else {}
    comments = tuple(find(parsed, known)) if known else ()
    if not comments:
        return assign(found, text, functions)
    identified = assign(found, _blanked(parsed.data, comments), functions)
    used: set[tuple[int, str]] = set()
    waived = [_waived(parsed, violation, comments, used) for violation in identified]
    reports = _reports(parsed, comments, used, known, path, complete=complete)
    return tuple(sorted((*waived, *assign(reports, text, functions)), key=lambda item: (item.line, item.column)))


def find(parsed: ParsedFile, known: Iterable[str]) -> Iterator[Comment]:
    """The waivers in the comments of a file, in the order of their places; those for the whole file last.

    Args:
        parsed: the file.
        known: ids of rules; a custom of the language counts only where it names one of them.
    """
    comments = [*_ours(parsed), *_customs(parsed, frozenset(known))]
    yield from sorted(comments, key=lambda item: (item.lines == _EVERYWHERE, item.start))


def _ours(parsed: ParsedFile) -> Iterator[Comment]:
    if _MARKER not in parsed.data:
        return
    for match in _OURS.finditer(parsed.data):
        node = _comment_at(parsed, match.start() + len(match["lead"] or b""))
        if node is None or not (match["lead"] or _begins_line(parsed.data, node, match.start())):
            continue
        ids = (match["ids"] or b"").decode("utf-8", "replace")
        place = (_EVERYWHERE, 0) if match["file"] else _place(parsed, node, match.start())
        yield _comment(parsed, node, match, ids, place, own=True)


def _customs(parsed: ParsedFile, known: frozenset[str]) -> Iterator[Comment]:
    for custom in parsed.language.waivers:
        if custom.marker not in parsed.data:
            continue
        for match in custom.pattern.finditer(parsed.data):
            ids = match["ids"].decode("utf-8", "replace")
            if known.isdisjoint(_split(ids)) or (node := _comment_at(parsed, match.start())) is None:
                continue
            ids = ",".join(id_ for id_ in _split(ids) if id_ in known)
            after = "next" in custom.pattern.groupindex and match["next"] is not None
            yield _comment(parsed, node, match, ids, _place(parsed, node, match.start(), after=after), own=False)


def _split(ids: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in re.split(r"[\s,]+", ids) if part))


def _comment(
    parsed: ParsedFile, node: Node, match: re.Match[bytes], ids: str, place: tuple[tuple[int, int], int], *, own: bool
) -> Comment:
    end = min(match.end(), node.end_byte)
    reason_start = match.start("reason")
    reason = parsed.data[reason_start:end] if 0 <= reason_start < end else b""
    if another := _NEXT_COMMENT.search(reason):
        reason = reason[: another.start()]
        end = reason_start + another.start()
    words = _CLOSERS.sub(b"", reason).decode("utf-8", "replace").strip(" \t:-\N{EN DASH}\N{EM DASH}")
    return Comment(_split(ids), words if re.search(r"\w", words) else "", match.start(), end, *place, own)


def _comment_at(parsed: ParsedFile, offset: int) -> Node | None:
    """The comment that a byte lies in; a place in a text or in code lies in none."""
    node = parsed.tree.root_node.descendant_for_byte_range(offset, offset + 1)
    for _ in range(4):
        if node is None or node.type in parsed.language.comments:
            return node
        node = node.parent
    return None


def _begins_line(data: bytes, comment: Node, offset: int) -> bool:
    """Whether nothing stands before a byte on its line of a comment."""
    start = max(comment.start_byte, data.rfind(b"\n", 0, offset) + 1)
    return not data[start:offset].strip()


def _place(parsed: ParsedFile, comment: Node, offset: int, *, after: bool = False) -> tuple[tuple[int, int], int]:
    """The lines that a waiver covers, from 1, and the line of code beside it.

    Beside code it covers its line and the head of the statement that begins there; alone on its line, or where it means
    what comes after, everything to the end of the next statement's head.
    """
    data, row = parsed.data, comment.start_point.row
    line = data.count(b"\n", 0, offset) + 1
    end = comment.end_point.row - (comment.end_point.column == 0)  # some take the line feed behind them
    if not after and not _alone(parsed, comment, end):
        beside = row if next_code_line(parsed, row) == row else end
        return (beside + 1, extent(parsed, beside, comment) + 1), beside + 1
    code = next_code_line(parsed, end + 1)
    return (
        line if code is None or not after else code + 1,
        line if code is None else extent(parsed, code, None) + 1,
    ), 0


def _alone(parsed: ParsedFile, comment: Node, end: int) -> bool:
    """Whether no code stands on the lines of a comment. Braces around it are how JSX has one."""
    data = parsed.data
    line_end = data.find(b"\n", comment.end_byte)
    before = data[data.rfind(b"\n", 0, comment.start_byte) + 1 : comment.start_byte].strip()
    behind = data[comment.end_byte : line_end if line_end >= 0 else len(data)].strip()
    if before + behind == b"{}":
        return True
    return next_code_line(parsed, comment.start_point.row) != comment.start_point.row and (
        next_code_line(parsed, end) != end
    )


def _blanked(data: bytes, comments: Sequence[Comment]) -> str:
    """A file without the waivers in it, every line where it was."""
    blanked = bytearray(data)
    for comment in comments:
        blanked[comment.start : comment.end] = b" " * (comment.end - comment.start)
    return blanked.decode("utf-8", "replace")


def _waived(
    parsed: ParsedFile, violation: Violation, comments: Sequence[Comment], used: set[tuple[int, str]]
) -> Violation:
    """The same, waived where one of the comments does that; which pattern of which one goes into `used`."""
    several = violation.end_line > violation.line
    head = extent(parsed, violation.line - 1, None) + 1 if several else violation.line
    for number, comment in enumerate(comments):
        for pattern in comment.patterns:
            if comment.covers(violation, head) and fnmatchcase(violation.rule_id, pattern):
                used.add((number, pattern))
                waiver = Waiver(comment.reason, "inline")
                return dataclasses.replace(violation, status=Status.WAIVED, waiver=waiver)
    return violation


def _reports(
    parsed: ParsedFile,
    comments: Sequence[Comment],
    used: set[tuple[int, str]],
    known: dict[str, Rule],
    path: str,
    *,
    complete: bool,
) -> Iterator[Violation]:
    """What is wrong with the waivers themselves. No comment waives these."""
    for number, comment in enumerate(comments):
        if not comment.own:
            continue
        idle = [pattern for pattern in comment.patterns if (number, pattern) not in used]
        if complete and (idle or not comment.patterns) and (rule := known.get(UNUSED)):
            yield _report(parsed, rule, comment, path, problem=_problem(idle, known))
        if comment.patterns and not comment.reason and (rule := known.get(WITHOUT_REASON)):
            yield _report(parsed, rule, comment, path, problem=", ".join(comment.patterns))


def _problem(idle: Sequence[str], known: dict[str, Rule]) -> str:
    if not idle:
        return "it names no rule; write ignore[rule-id]"
    for pattern in idle:
        if pattern not in known and not _BANDIT_ID.fullmatch(pattern) and not set(pattern) & set("*?["):
            near = difflib.get_close_matches(pattern, known, 1)
            return f"no rule that is on is called {pattern}" + (f"; did you mean {near[0]}?" if near else "")
    return f"nothing here breaks {', '.join(idle)}"


def _report(parsed: ParsedFile, rule: Rule, comment: Comment, path: str, *, problem: str) -> Violation:
    data = parsed.data
    line_start = data.rfind(b"\n", 0, comment.start) + 1
    line = data.count(b"\n", 0, comment.start) + 1
    return rule.broken(
        path,
        rule.message.replace("{problem}", problem),
        line=line,
        column=len(data[line_start : comment.start].decode("utf-8", "replace")) + 1,
        end_line=line,
        end_column=len(data[line_start : comment.end].decode("utf-8", "replace").rstrip()) + 1,
    )
