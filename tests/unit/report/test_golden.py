"""Each format of one hostile report, byte for byte; `AGENTFORGE_WRITE_GOLDEN=1 pytest` writes them anew, to be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hostile_report import REPORT, VERSION, read

from agentforge.report.formats import Context, ReportFormat, render

FOLDER = Path(__file__).parents[2] / "data/formats"
NAMES = {
    ReportFormat.TABLE: "report.txt",
    ReportFormat.JSON: "report.json",
    ReportFormat.SARIF: "report.sarif",
    ReportFormat.GITHUB: "report.github",
    ReportFormat.GITLAB: "report.gitlab.json",
    ReportFormat.JUNIT: "report.xml",
    ReportFormat.MARKDOWN: "report.md",
    ReportFormat.CSV: "report.csv",
    ReportFormat.AI: "report.ai",
}


@pytest.mark.parametrize("wanted", ReportFormat)
def test_a_format_is_as_it_was_read(wanted: ReportFormat) -> None:
    text = "".join(render(REPORT, wanted, Context(VERSION, read)).pieces)
    file = FOLDER / NAMES[wanted]
    if os.environ.get("AGENTFORGE_WRITE_GOLDEN"):
        file.write_bytes(text.encode())
    assert text.encode() == file.read_bytes()
