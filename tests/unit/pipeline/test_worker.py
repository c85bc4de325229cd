"""A file may change between the walk and its analysis."""

from __future__ import annotations

import hashlib
from pathlib import Path

from agentforge.detect.bandit import BanditConfig
from agentforge.model import FileAnalysis, SkippedFile, SourceFile
from agentforge.pipeline.worker import WorkerConfig, analyse_batch

CONFIG = WorkerConfig(1000, BanditConfig())


def source(path: Path) -> SourceFile:
    return SourceFile(path.name, str(path), 5, "0" * 64, "python")


def test_what_vanished_or_grew_is_skipped_and_the_rest_is_analysed(tmp_path: Path) -> None:
    (tmp_path / "grown.py").write_text("x = 1\n" * 1000)
    (tmp_path / "ok.py").write_text("x = 1\n")
    found = analyse_batch(CONFIG, [source(tmp_path / name) for name in ("gone.py", "grown.py", "ok.py")])
    assert found[:2] == [SkippedFile("gone.py", "vanished"), SkippedFile("grown.py", "larger than 1,000 bytes")]
    assert isinstance(found[2], FileAnalysis)


def test_the_bytes_that_are_analysed_are_those_of_the_hash(tmp_path: Path) -> None:
    (tmp_path / "changed.py").write_text("def now():\n    pass\n")
    (found,) = analyse_batch(CONFIG, [source(tmp_path / "changed.py")])
    assert isinstance(found, FileAnalysis)
    assert found.content_hash == hashlib.sha256(b"def now():\n    pass\n").hexdigest()
    assert [function.name for function in found.metrics.functions] == ["now"]
