"""What a worker process does with one batch of files: read, parse, measure and detect."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from agentforge import languages, measure, parse
from agentforge.detect import detect, duplicates
from agentforge.detect.bandit import BanditConfig
from agentforge.detect.bandit.columns import in_characters
from agentforge.detect.fingerprint import assign
from agentforge.detect.selection import NOTHING_CHOSEN, Chosen, Selection, chosen
from agentforge.detect.waivers import identify
from agentforge.embed.interface import DEFAULT_MODEL
from agentforge.measure.radon import measure_python
from agentforge.measure.scores import score
from agentforge.model import Chunk, FileAnalysis, FileMetrics, Function, SkippedFile, SourceFile, Violation
from agentforge.parse.python_ast import parse_python
from agentforge.pipeline.patterns import finder, violations_of, with_idioms
from agentforge.walk import UnreadableSourceError, read_source

Piece = TypeVar("Piece", Function, Chunk)


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What every batch needs to know; small and picklable.

    Attributes:
        max_file_size: bytes; a file that grew past it since the walk is skipped.
        bandit: bandit's own configuration for this project.
        features: whether to extract what an embedder reads from trees.
        selection: which rules apply, and how severe they are.
        text: whether to keep the code of functions and what lies outside them: for who stores or embeds it.
        model: that compares functions with patterns.
    """

    max_file_size: int
    bandit: BanditConfig
    features: bool = False
    selection: Selection = NOTHING_CHOSEN
    text: bool = True
    model: str = DEFAULT_MODEL


def analyse_batch(config: WorkerConfig, batch: Sequence[SourceFile]) -> list[FileAnalysis | SkippedFile]:
    """Analyse the files of a batch, one result each, in order."""
    _tune_collector()
    return [analyse_file(config, file) for file in batch]


@cache
def _tune_collector() -> None:
    """Syntax trees go by themselves, and the default thresholds look at each of their objects in vain."""
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
    found: list[Violation] = []
    if parsed is not None and file.language == "python":
        metrics, found = _python(config, file, raw, parsed, decoded)
    else:
        metrics = measure.measure(parsed, decoded, text=config.text)
    if parsed is None:
        return _result(file, raw, metrics, assign(found, decoded.text, metrics.functions))
    choice = chosen(config.selection, parsed.language.name)
    is_test = parsed.language.is_test(file.path)
    if config.features:
        metrics = _with_features(parsed, metrics)
    found += detect(parsed, metrics, file.path, is_test=is_test, rules=choice.rules)
    found += duplicates.candidates(parsed, metrics, file.path, is_test=is_test, rules=choice.rules.rules)
    within, metrics = _find_patterns(config, choice, parsed, metrics, file.path, is_test=is_test)
    found += within
    complete = metrics.parse_error is None
    violations = identify(
        parsed,
        decoded.text,
        choice.apply(file.path, found, is_test=is_test),
        metrics.functions,
        choice.rules,
        file.path,
        complete=complete,
    )
    return _result(file, raw, metrics, tuple(choice.apply(file.path, violations, is_test=is_test)))  # of waivers, too


def _find_patterns(
    config: WorkerConfig, choice: Chosen, parsed: parse.ParsedFile, metrics: FileMetrics, path: str, *, is_test: bool
) -> tuple[list[Violation], FileMetrics]:
    """What functions that fall within a pattern break, and the metrics with the idioms that they are."""
    patterns = finder(config.selection.patterns, config.model)
    found = patterns.find(parsed, metrics.functions, is_test=is_test, wanted=lambda item: choice.wants(path, item))
    if not found:
        return [], metrics
    return violations_of(parsed, metrics, found, choice.rules, path), with_idioms(metrics, found)


def _with_features(parsed: parse.ParsedFile, metrics: FileMetrics) -> FileMetrics:
    """The same with the features of each function and chunk, which need the tree that is dropped here."""
    from agentforge.embed.features import extract

    pieces: list[Function | Chunk] = [*metrics.functions, *metrics.chunks]
    found = extract(parsed, [(piece.start_byte, piece.end_byte) for piece in pieces])
    of_functions, of_chunks = found[: len(metrics.functions)], found[len(metrics.functions) :]
    return dataclasses.replace(
        metrics,
        functions=tuple(map(_featured, metrics.functions, of_functions)),
        chunks=tuple(map(_featured, metrics.chunks, of_chunks)),
    )


def _featured(piece: Piece, features: bytes) -> Piece:
    return dataclasses.replace(piece, features=features)


def _python(
    config: WorkerConfig, file: SourceFile, raw: bytes, parsed: parse.ParsedFile, decoded: parse.Decoded
) -> tuple[FileMetrics, list[Violation]]:
    """The metrics with radon's figures, and bandit's findings."""
    # bandit takes a tenth of a second to import, which a run with nothing to analyse need not pay.
    from agentforge.detect.bandit.flows import with_flows
    from agentforge.detect.bandit.scan import scan

    python = parse_python(raw)
    metrics = measure_python(parsed, decoded, python, text=config.text)
    try:
        found = scan(python, file.path, file.location, raw, config.bandit)
        return metrics, in_characters(with_flows(found, parsed, metrics.functions), python.text)
    except RecursionError:
        return dataclasses.replace(metrics, parse_error="nested too deeply for bandit"), []


def _result(file: SourceFile, raw: bytes, metrics: FileMetrics, violations: tuple[Violation, ...]) -> FileAnalysis:
    suspects = tuple(item for item in violations if item.rule_id == duplicates.RULE)
    if suspects:
        violations = tuple(item for item in violations if item.rule_id != duplicates.RULE)
    return FileAnalysis(
        path=file.path,
        language=file.language,
        size=len(raw),
        content_hash=hashlib.sha256(raw).hexdigest(),
        metrics=metrics,
        scores=score(metrics, violations),
        violations=violations,
        is_test=file.language is not None and languages.get(file.language).is_test(file.path),
        suspects=suspects,
    )
