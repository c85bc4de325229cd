"""Columns of bandit's findings are characters, as everybody's."""

from __future__ import annotations

from pathlib import Path

from agentforge.detect.bandit import load_config
from agentforge.model import FileAnalysis
from agentforge.pipeline.worker import WorkerConfig, analyse_file
from agentforge.walk import WalkOptions, discover, walk

TEXT = 's = "é😀"; eval(s)\nx = 1; eval(x)\nt = "ü\u202e"; eval(t)\n'


def test_columns_count_characters(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(TEXT)
    (file,) = walk(discover([str(tmp_path)]), WalkOptions())
    result = analyse_file(WorkerConfig(10_000, load_config(str(tmp_path))), file)  # type: ignore[arg-type]
    assert isinstance(result, FileAnalysis)
    lines = TEXT.split("\n")
    found = {(item.line, item.rule_id): item for item in result.violations}
    for line in (1, 2, 3):
        item = found[line, "B307"]
        assert lines[line - 1][item.column - 1 : item.end_column - 1].startswith("eval(")
    bidi = found[3, "B613"]
    assert lines[bidi.line - 1][bidi.column - 1 : bidi.end_column - 1] == "\u202e"
