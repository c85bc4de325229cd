"""Bringing the results of an analysis into the database: batch by batch beside the analysis, at its end all at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentforge.model import Chunk, FileAnalysis, Function, Violation
from agentforge.store import flows
from agentforge.store.lifecycle import storable
from agentforge.store.near_pairs import EmbeddedFunctions, embedded_functions
from agentforge.store.queries import load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Target:
    """Where a load belongs: the keys that its statements share.

    Attributes:
        model_id: of the vectors.
        embeds: whether its functions get vectors.
    """

    project_id: int
    branch: str
    analysis_id: int
    model_id: int
    engine_version: str
    embeds: bool = True


@dataclass(frozen=True, slots=True)
class StoredViolation:
    """What identifies a violation that is in the database."""

    id: int
    path: str
    rule_id: str
    line: int
    line_hash: str
    message: str
    fingerprint: str
    function: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A function, and an older one that is nearly the same.

    Attributes:
        path, line, name: of the function; the name is the qualified one.
        other_path, other_line, other_name: of the older one.
    """

    path: str
    line: int
    name: str
    other_path: str
    other_line: int
    other_name: str


class Load:
    """One load. `add` and the vectors go into temporary tables and show to nobody; `store` moves them into place."""

    def __init__(self, connection: Connection, target: Target) -> None:
        """Create the temporary tables, once a connection."""
        from pgvector.psycopg import register_vector

        self._connection = connection
        self._target = target
        self._queries = load("load")
        self._functions = 0
        self._hashes: set[str] = set()
        register_vector(connection)
        connection.execute(self._queries["create_incoming"])

    def add(self, files: Sequence[FileAnalysis]) -> None:
        """Take the files of a batch, with their functions and chunks. Violations come with `store`."""
        self._copy("copy_files", map(_file_row, files))
        self._copy("copy_functions", self._function_rows(files))
        self._copy("copy_chunks", (_chunk_row(file.path, chunk) for file in files for chunk in file.metrics.chunks))

    def _function_rows(self, files: Sequence[FileAnalysis]) -> Iterator[tuple[Any, ...]]:
        for file in files:
            for function in file.metrics.functions:
                self._functions += 1
                yield self._functions, file.path, *_function_row(function)

    def missing_vectors(self, functions: Collection[str], chunks: Collection[str]) -> set[str]:
        """Those of some code hashes for which a vector must still be made; what the database has is reused.

        Args:
            functions: hashes of functions.
            chunks: hashes of code outside functions.
        """
        missing: set[str] = set()
        for query, hashes in (("reuse_vectors", functions), ("reuse_chunk_vectors", chunks)):
            wanted = set(hashes) - self._hashes
            self._hashes |= wanted
            if wanted:
                rows = self._connection.execute(
                    self._queries[query],
                    {"model_id": self._target.model_id, "hashes": [bytes.fromhex(item) for item in sorted(wanted)]},
                )
                missing |= wanted - {row[0] for row in rows}
        return missing

    def add_vectors(self, hashes: Sequence[str], vectors: NDArray[np.float32], *, lacks_meaning: bool = False) -> None:
        """Take vectors of shape (hashes, dimension) for hashes that `missing_vectors` named.

        Args:
            hashes: of the code.
            vectors: one for each.
            lacks_meaning: whether the meaning is to be filled in later.
        """
        from pgvector import HalfVector

        with self._connection.cursor() as cursor, cursor.copy(self._queries["copy_vectors"]) as copy:
            copy.set_types(["bytea", "halfvec", "bool"])
            for code_hash, vector in zip(hashes, vectors.astype("float16"), strict=True):
                copy.write_row((bytes.fromhex(code_hash), HalfVector(vector), lacks_meaning))

    def unresolved(self, paths: Sequence[str]) -> list[StoredViolation]:
        """The violations of some files that are not fixed, in the order in which they were first found."""
        return unresolved(self._connection, self._target.project_id, self._target.branch, paths)

    def store(
        self,
        violations: Iterable[tuple[Violation, int | None]],
        fixed: Sequence[int],
        gone: Iterable[str],
        renames: Mapping[str, str],
        elsewhere: Mapping[int, int],
    ) -> None:
        """Put everything in place. Call it inside a transaction.

        Args:
            violations: of the files that were added, with the id of the stored one that each is.
            fixed: ids of stored violations that are gone.
            gone: paths of files that are no longer in the tree.
            renames: old to new path of files that moved.
            elsewhere: index of a violation to the id of the one of the default branch that it is.
        """
        self._copy("copy_gone", ((path,) for path in gone))
        self._copy("copy_renamed", renames.items())
        self._copy_violations(violations, elsewhere)
        self._connection.execute(self._queries["analyze_incoming"])
        parameters = self._parameters()
        for name in (
            "delete_functions",
            "delete_chunks",
            "close_files",
            "keep_files",
            "insert_files",
            "insert_functions",
            "insert_chunks",
        ):
            self._connection.execute(self._queries[name], parameters)
        self._place_violations(fixed)

    def store_violations(
        self, violations: Iterable[tuple[Violation, int | None]], fixed: Sequence[int], elsewhere: Mapping[int, int]
    ) -> None:
        """Put more violations in place, after `store` in its transaction; the arguments are as there."""
        self._connection.execute(self._queries["clear_violations"])
        self._copy_violations(violations, elsewhere)
        self._place_violations(fixed)

    def _copy_violations(
        self, violations: Iterable[tuple[Violation, int | None]], elsewhere: Mapping[int, int]
    ) -> None:
        rows = enumerate(violations)
        self._copy(
            "copy_violations", ((*violation_row(item, id_), elsewhere.get(n), item.tool) for n, (item, id_) in rows)
        )

    def _place_violations(self, fixed: Sequence[int]) -> None:
        parameters = {**self._parameters(), "fixed": list(fixed)}
        for name in (
            "fix_violations",
            "update_violations",
            "reopen_violations",
            "insert_violations",
            "waive_in_source",
            "unwaive_in_source",
        ):
            self._connection.execute(self._queries[name], parameters)

    def _parameters(self) -> dict[str, Any]:
        target = self._target
        return {
            "project_id": target.project_id,
            "branch": target.branch,
            "analysis_id": target.analysis_id,
            "model_id": target.model_id,
            "files_model_id": target.model_id if target.embeds else None,
            "engine_version": target.engine_version,
        }

    def embedded_functions(self, min_lines: int) -> EmbeddedFunctions:
        """The functions of the project with at least `min_lines` lines of code, once they are stored."""
        parameters = {**self._parameters(), "min_lines": min_lines}
        return embedded_functions(self._connection, self._queries["embedded_functions"], parameters)

    def store_duplicates(self, pairs: Iterable[tuple[int, int, float]]) -> None:
        """Store (function id, other function id, score) of near-duplicates, in the transaction of `store`."""
        self._copy("copy_duplicates", pairs)
        self._connection.execute(self._queries["insert_duplicates"], {"project_id": self._target.project_id})

    def duplicate_functions(self, min_score: float) -> list[Duplicate]:
        """Functions that are nearly the same as an older one, by `store_duplicates` of this run and those before it.

        Args:
            min_score: least cosine of the two.
        """
        rows = self._connection.execute(
            self._queries["duplicate_functions"], {**self._parameters(), "min_score": min_score}
        )
        return [Duplicate(*row) for row in rows]

    def unresolved_of_rule(self, rule_id: str) -> list[StoredViolation]:
        """The violations of a rule in the whole branch that are not fixed."""
        rows = self._connection.execute(self._queries["unresolved_of_rule"], {**self._parameters(), "rule_id": rule_id})
        return [StoredViolation(*row) for row in rows]

    def say(self, messages: Mapping[int, str]) -> None:
        """Give stored violations other messages, by id."""
        with self._connection.cursor() as cursor:
            cursor.executemany(
                self._queries["say"], [{"id": id_, "message": storable(text)} for id_, text in messages.items()]
            )

    def files_of_rule(self, rule_id: str) -> frozenset[int]:
        """Ids of the current files in which a rule is broken, or was until this run."""
        rows = self._connection.execute(self._queries["files_of_rule"], {**self._parameters(), "rule_id": rule_id})
        return frozenset(row[0] for row in rows)

    def _copy(self, query: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(self._queries[query]) as copy:
            for row in rows:
                copy.write_row(row)


def unresolved(connection: Connection, project_id: int, branch: str, paths: Sequence[str]) -> list[StoredViolation]:
    """The violations in some files of a branch that are not fixed, in the order in which they were first found."""
    parameters = {"project_id": project_id, "branch": branch, "paths": list(paths)}
    rows = connection.execute(load("load")["unresolved_violations"], parameters)
    return [StoredViolation(*row) for row in rows]


def _file_row(file: FileAnalysis) -> tuple[Any, ...]:
    metrics, lines, scores = file.metrics, file.metrics.lines, file.scores
    return (
        file.path,
        file.language,
        file.content_hash,
        file.size,
        lines.physical,
        lines.code,
        lines.comment,
        lines.blank,
        len(metrics.functions),
        metrics.classes,
        scores.complexity,
        scores.quality,
        scores.security,
        metrics.maintainability_index,
        None if metrics.parse_error is None else storable(metrics.parse_error),
        metrics.error_share,
        file.is_test,
    )


def _function_row(function: Function) -> tuple[Any, ...]:
    halstead = function.halstead
    return (
        storable(function.name),
        storable(function.qualified_name),
        storable(function.signature),
        storable(function.description),
        function.start_line,
        function.end_line,
        function.lines_of_code,
        function.parameters,
        function.cyclomatic,
        function.cognitive,
        function.nesting,
        halstead.distinct_operators,
        halstead.distinct_operands,
        halstead.operators,
        halstead.operands,
        halstead.volume,
        halstead.difficulty,
        halstead.effort,
        function.maintainability_index,
        bytes.fromhex(function.code_hash),
        storable(function.code),
    )


def _chunk_row(path: str, chunk: Chunk) -> tuple[Any, ...]:
    name, code = storable(chunk.name), storable(chunk.code)
    return path, chunk.kind, name, chunk.start_line, chunk.end_line, bytes.fromhex(chunk.code_hash), code


def violation_row(violation: Violation, known: int | None) -> tuple[Any, ...]:
    """A violation as the temporary tables of an analysis and of an import begin.

    Args:
        violation: that was found.
        known: id of the stored one that it is.
    """
    waiver = violation.waiver
    return (
        known,
        violation.path,
        storable(violation.rule_id),
        storable(violation.rule_name),
        violation.category.value,
        violation.severity.value,
        violation.confidence.value,
        violation.cwe,
        violation.line,
        violation.column,
        violation.end_line,
        violation.end_column,
        storable(violation.message),
        storable(violation.suggestion),
        storable(violation.function),
        violation.line_hash,
        violation.fingerprint,
        waiver.kind if waiver else None,
        storable(waiver.reason) if waiver else None,
        flows.to_json(violation.flow),
    )
