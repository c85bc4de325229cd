"""What a worker process does with one batch of files: read, parse, measure and detect."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from agentforge import languages, measure, parse
from agentforge.detect.bandit import BanditConfig, scan
from agentforge.detect.fingerprint import assign
from agentforge.measure.radon import enrich
from agentforge.measure.scores import score
from agentforge.model import FileAnalysis, FileMetrics, SkippedFile, SourceFile, Violation
from agentforge.parse.python_ast import parse_python
from agentforge.walk import UnreadableSourceError, read_source


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What every batch needs to know; small and picklable.

    Attributes:
        max_file_size: bytes; a file that grew past it since the walk is skipped.
        bandit: bandit's own configuration for this project.
    """

    max_file_size: int
    bandit: BanditConfig


def analyse_batch(config: WorkerConfig, batch: Sequence[SourceFile]) -> list[FileAnalysis | SkippedFile]:
    """Analyse the files of a batch, one result each, in order."""
    _tune_collector()
    return [analyse_file(config, file) for file in batch]


@cache
def _tune_collector() -> None:
    """Python's syntax trees hold cycles by the hundred thousand: the default thresholds nearly double the time."""
    gc.set_threshold(200_000, 50, 1000)


def analyse_file(config: WorkerConfig, file: SourceFile) -> FileAnalysis | SkippedFile:
    """Everything about the bytes that the file holds now, which need not be those that the walk saw."""
    try:
        raw = read_source(file.location, config.max_file_size)
    except UnreadableSourceError as error:
        return SkippedFile(file.path, str(error))
    decoded = parse.decode(raw)
    try:
        parsed = parse.parse(file.language, decoded) if file.language else None
    except parse.ParseTimeoutError as error:
        return _result(file, raw, dataclasses.replace(measure.measure(None, decoded), parse_error=str(error)), ())
    metrics = measure.measure(parsed, decoded)
    found: list[Violation] = []
    if file.language == "python":
        metrics, found = _python(config, file, raw, metrics)
    return _result(file, raw, metrics, assign(found, decoded.text, metrics.functions))


def _python(
    config: WorkerConfig, file: SourceFile, raw: bytes, metrics: FileMetrics
) -> tuple[FileMetrics, list[Violation]]:
    """radon's figures and bandit's findings."""
    python = parse_python(raw)
    metrics = enrich(metrics, python)
    try:
        return metrics, scan(python, file.path, file.location, raw, config.bandit)
    except RecursionError:
        return dataclasses.replace(metrics, parse_error="nested too deeply for bandit"), []


def _result(file: SourceFile, raw: bytes, metrics: FileMetrics, violations: tuple[Violation, ...]) -> FileAnalysis:
    return FileAnalysis(
        path=file.path,
        language=file.language,
        size=len(raw),
        content_hash=hashlib.sha256(raw).hexdigest(),
        metrics=metrics,
        scores=score(metrics, violations),
        violations=violations,
        is_test=file.language is not None and languages.get(file.language).is_test(file.path),
    )
