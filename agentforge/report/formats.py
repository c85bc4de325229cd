"""All formats by name: what a report becomes in each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentforge.model import Report


class ReportFormat(StrEnum):
    """How an analysis is shown; docs/formats.md describes each."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    CSV = "csv"
    AI = "ai"


# What a file of an extension may hold; the first is meant where nothing else says what.
EXTENSIONS: dict[str, tuple[ReportFormat, ...]] = {
    ".sarif": (ReportFormat.SARIF,),
    ".json": (ReportFormat.JSON, ReportFormat.SARIF, ReportFormat.GITLAB),
    ".xml": (ReportFormat.JUNIT,),
    ".md": (ReportFormat.MARKDOWN,),
    ".markdown": (ReportFormat.MARKDOWN,),
    ".csv": (ReportFormat.CSV,),
}


@dataclass(frozen=True, slots=True)
class Context:
    """What a format needs to know besides the report.

    Attributes:
        version: of the tool.
        read: gives the bytes of a file by its path in the report, None where it cannot be read.
        in_github: whether the run is a step of a GitHub workflow.
    """

    version: str
    read: Callable[[str], bytes | None] = lambda _path: None
    in_github: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """A report in a format: its text in pieces, to be read once, and what to tell the user beside it."""

    pieces: Iterator[str]
    notes: tuple[str, ...] = ()


def render(report: Report, wanted: ReportFormat, context: Context) -> Rendered:
    """A report in a format. The module of a format is imported when it is used.

    Args:
        report: with all its files and violations, unless a table is wanted.
        wanted: the format.
        context: what else it needs.
    """
    return _RENDERERS[wanted](report, context)


def _table(report: Report, _context: Context) -> Rendered:
    from agentforge.report import table

    return Rendered(iter((table.as_text(report),)))


def _json(report: Report, context: Context) -> Rendered:
    from agentforge.report import document

    return Rendered(document.render(report, context.version))


def _sarif(report: Report, context: Context) -> Rendered:
    from agentforge.report.sarif.log import SarifLog

    log = SarifLog(report, context.version, context.read, in_github=context.in_github)
    return Rendered(log.render(), log.notes)


def _github(report: Report, _context: Context) -> Rendered:
    from agentforge.report import github

    return Rendered(github.render(report))


def _gitlab(report: Report, _context: Context) -> Rendered:
    from agentforge.report import gitlab

    return Rendered(gitlab.render(report))


def _junit(report: Report, _context: Context) -> Rendered:
    from agentforge.report import junit

    return Rendered(junit.render(report))


def _markdown(report: Report, _context: Context) -> Rendered:
    from agentforge.report import markdown

    return Rendered(iter((markdown.render(report),)))


def _csv(report: Report, _context: Context) -> Rendered:
    from agentforge.report import spreadsheet

    return Rendered(spreadsheet.render(report))


def _ai(report: Report, _context: Context) -> Rendered:
    from agentforge.report import ai

    return Rendered(ai.render(report))


_RENDERERS: dict[ReportFormat, Callable[[Report, Context], Rendered]] = {
    ReportFormat.TABLE: _table,
    ReportFormat.JSON: _json,
    ReportFormat.SARIF: _sarif,
    ReportFormat.GITHUB: _github,
    ReportFormat.GITLAB: _gitlab,
    ReportFormat.JUNIT: _junit,
    ReportFormat.MARKDOWN: _markdown,
    ReportFormat.CSV: _csv,
    ReportFormat.AI: _ai,
}
