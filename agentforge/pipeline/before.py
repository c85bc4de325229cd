"""Changed files as git has them: what they were before, analysed as they are analysed now, and what is staged."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from agentforge import parse
from agentforge.model import FileAnalysis, SkippedFile, SourceFile, Violation
from agentforge.pipeline.events import Observer
from agentforge.pipeline.files import analyse_files
from agentforge.pipeline.new_code import Before, KnownFunction, KnownViolation
from agentforge.pipeline.texts import Texts
from agentforge.pipeline.worker import WorkerConfig
from agentforge.walk import SourceTree, WalkOptions, chosen_names, classified, escape
from agentforge.walk.git_contents import hunks, read_blobs
from agentforge.walk.git_diff import ChangedFile
from agentforge.walk.source import UnreadableSourceError, read_source, too_large


def staged_sources(
    tree: SourceTree, options: WalkOptions, changed: Sequence[ChangedFile], folder: str
) -> Iterator[SourceFile | SkippedFile]:
    """What is staged, as files to be analysed; their content is written to a folder, under names of ours.

    Args:
        tree: the checkout.
        options: what to leave out.
        changed: staged files.
        folder: an empty one, which stays until they are analysed.
    """
    blobs = {file.path: file.blob or "" for file in changed}
    chosen = list(chosen_names(tree, options, blobs))
    wanted_blobs = [blobs[name] for name, reason in chosen if reason is None]
    contents = read_blobs(tree.root, wanted_blobs, options.max_file_size)
    for number, (name, reason) in enumerate(chosen):
        raw = next(contents) if reason is None else None
        if raw is None:
            yield SkippedFile(escape(name), reason or too_large(options.max_file_size))
            continue
        location = f"{folder}/{number}"
        Path(location).write_bytes(raw)
        yield classified(name, location, raw)


def analyse_before(
    root: str,
    changed: Sequence[ChangedFile],
    sources: Sequence[SourceFile],
    config: WorkerConfig,
    jobs: int,
    observer: Observer,
    folder: str,
) -> list[Before]:
    """How changed files were, one `Before` for each side: one, or several in a merge.

    A file is analysed under the path that it has now, so that moving it changes nothing of what is found in it.

    Args:
        root: of the checkout.
        changed: the files that git says have changed.
        sources: those of them that are analysed now.
        config: for the workers, as for the files of now.
        jobs: worker processes, at least 1.
        observer: is told of the progress.
        folder: an empty one.
    """
    now = {source.path: source for source in sources}
    rows = [(file, now[escape(file.path)]) for file in changed if escape(file.path) in now]
    sides = max([len(file.old_blobs) for file, _ in rows], default=1) or 1
    touched = frozenset(source.path for _, source in rows)
    result = []
    for side in range(sides):
        olds = [(source, file.old_blobs[side]) for file, source in rows if side < len(file.old_blobs)]
        only = touched if side == 0 else frozenset(source.path for source, _ in olds)
        place = f"{folder}/{side}"
        Path(place).mkdir()
        result.append(_side(root, olds, only, config, jobs, observer, place))
    return result


def _side(
    root: str,
    olds: Sequence[tuple[SourceFile, str]],
    touched: frozenset[str],
    config: WorkerConfig,
    jobs: int,
    observer: Observer,
    folder: str,
) -> Before:
    files: list[SourceFile] = []
    current = {source.path: source.location for source, _ in olds}
    contents = read_blobs(root, [blob for _, blob in olds], config.max_file_size)
    for number, ((source, _), raw) in enumerate(zip(olds, contents, strict=True)):
        if raw is not None:
            location = f"{folder}/{number}"
            Path(location).write_bytes(raw)
            digest = hashlib.sha256(raw).hexdigest()
            files.append(SourceFile(source.path, location, len(raw), digest, source.language))
    batches = analyse_files(files, config, jobs, observer)
    found = [item for batch in batches for item in batch if isinstance(item, FileAnalysis)]
    before = {file.path: file.location for file in files}
    pairs = [(file.path, before[file.path], current[file.path]) for file in found if file.violations]
    texts = _texts(pairs, config.max_file_size, folder)
    return Before(known_violations(found), known_functions(found), touched=touched, texts=texts)


def known_violations(files: Sequence[FileAnalysis]) -> list[KnownViolation]:
    """All violations of some files, the waived ones too: a waiver that went does not make them new.

    What is only suspected counts as known: a function that was there is not what brought a duplicate.
    """
    numbers = itertools.count()
    return [known(next(numbers), item) for file in files for item in (*file.violations, *file.suspects)]


def known(number: int, item: Violation) -> KnownViolation:
    """A violation as one that was there before."""
    return KnownViolation(
        id=number,
        path=item.path,
        rule_id=item.rule_id,
        line=item.line,
        message=item.message,
        line_hash=item.line_hash,
        fingerprint=item.fingerprint,
        function=item.function,
        severity=item.severity,
        column=item.column,
        end_line=item.end_line,
        end_column=item.end_column,
    )


def known_functions(files: Sequence[FileAnalysis]) -> list[KnownFunction]:
    """All functions of some files."""
    return [
        KnownFunction(file.path, item.qualified_name, item.cyclomatic, item.cognitive, item.code_hash)
        for file in files
        for item in file.metrics.functions
    ]


def _texts(pairs: Sequence[tuple[str, str, str]], max_size: int, folder: str) -> dict[str, Texts]:
    """What files said and say, by path; one that cannot be read is left out.

    Args:
        pairs: path, and the locations of the file of before and of the one of now.
        max_size: bytes of a file that are read.
        folder: where git compares them.
    """
    if not pairs:
        return {}
    read: dict[str, tuple[str, str]] = {}
    for side in ("old", "new"):
        Path(folder, side).mkdir()
    for number, (path, *locations) in enumerate(pairs):
        try:
            old, new = (parse.decode(read_source(location, max_size)).text for location in locations)
        except UnreadableSourceError:
            continue
        read[path] = (old, new)
        for side, text in (("old", old), ("new", new)):
            # One line end more makes of git's lines those of `Texts`.
            Path(folder, side, str(number)).write_text(f"{text}\n", "utf-8", "replace", newline="")
    found = hunks(folder)
    return {
        path: Texts(*read[path], found.get(str(number), ())) for number, (path, *_) in enumerate(pairs) if path in read
    }
