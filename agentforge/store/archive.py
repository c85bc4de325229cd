"""A partition as a compressed file, with a manifest beside it that says what it holds."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from agentforge.errors import AgentForgeError
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

MANIFEST_VERSION = 1
_BLOCK = 1 << 20
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Archive:
    """A partition that was written to a file.

    Attributes:
        partition: its name.
        file: gzip of CSV with a header line, as `COPY ... (FORMAT csv, HEADER)` reads it.
        rows: in it.
        bytes: of the file.
        since: the snapshot that the file is of; what it does not see may not be in the file.
    """

    partition: str
    file: Path
    rows: int
    bytes: int
    since: str

    def remove(self) -> None:
        """Delete the file and its manifest: the partition is still there."""
        self.manifest.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)

    @property
    def manifest(self) -> Path:
        """The file beside it that says what it holds; where there is one, the archive is whole."""
        return self.file.with_name(self.file.name.removesuffix(".csv.gz") + ".json")


@dataclass(slots=True)
class _Hashing:
    """A file that is written to and hashed in one go; never holds more than what it is given."""

    file: IO[bytes]
    digest: Any

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


def write_archive(connection: Connection, partition: str, folder: Path) -> Archive:
    """Write a partition to a new file in a folder, which is made where there is none; then read the file again.

    Neither the partition nor a file that was there is changed, and a file that is not whole is not left behind.
    Memory does not grow with the partition.

    Args:
        connection: as the owner, outside a transaction.
        partition: name of a partition that is no default.
        folder: for the file and its manifest, both readable by their owner alone.

    Raises:
        AgentForgeError: the folder cannot be written to, the disk is full, or the file is not what was written.
    """
    with _faults_of(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=f".{partition}-", suffix=".part", dir=folder)  # mode 0600
        work = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                manifest, since = _copy(connection, partition, file)
            _verify(work, manifest)
            return _put_in_place(work, folder, partition, manifest, since)
        finally:
            work.unlink(missing_ok=True)


def count_rows(file: Path) -> int:
    """The rows in an archive without its header. A line break within quotes ends none."""
    rows, within = -1, 0
    with gzip.open(file, "rb") as lines:
        for line in lines:
            within ^= line.count(b'"') & 1
            rows += not within
    return rows


def _copy(connection: Connection, partition: str, file: IO[bytes]) -> tuple[dict[str, Any], str]:
    """Stream the partition into a file that is safe on the disk then. Returns its manifest, and `Archive.since`."""
    queries = load("partitions")
    hashing = _Hashing(file, hashlib.sha256())
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(queries["snapshot"])
        row = cursor.execute(queries["archive"], {"partition": partition}).fetchone()
        if row is None:
            raise AgentForgeError(f"There is no partition {partition}.", "It was dropped just now: run again.")
        table, low, high, columns, since, schema, statement = row
        with gzip.GzipFile("", "wb", _LEVEL, hashing, mtime=0) as packed:
            with cursor.copy(statement.encode()) as copy:  # names quoted by the server's own format()
                for block in copy:
                    packed.write(block)
            rows = cursor.rowcount
    file.flush()
    os.fsync(file.fileno())
    manifest = {
        "manifest_version": MANIFEST_VERSION,
        "table": table,
        "partition": partition,
        "range_start": low.isoformat(),
        "range_end": high.isoformat(),
        "columns": columns,
        "rows": rows,
        "bytes": os.fstat(file.fileno()).st_size,
        "sha256": hashing.digest.hexdigest(),
        "schema": schema,
    }
    return manifest, since


def _verify(work: Path, manifest: dict[str, Any]) -> None:
    """Refuse a file that does not read as what was written to it."""
    with work.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != manifest["sha256"] or count_rows(work) != manifest["rows"]:
        raise AgentForgeError(
            f"The archive of {manifest['partition']} does not read as it was written.",
            "The partition was not dropped. Check the disk.",
        )


def _put_in_place(work: Path, folder: Path, partition: str, manifest: dict[str, Any], since: str) -> Archive:
    """Give the file its name, then write the manifest: where that stands, the archive is whole."""
    name = _free_name(folder, partition)
    file = folder / f"{name}.csv.gz"
    manifest["file"] = file.name
    handle, draft = tempfile.mkstemp(prefix=f".{partition}-", suffix=".json.part", dir=folder)
    try:
        with os.fdopen(handle, "w") as text:
            text.write(json.dumps(manifest, indent=2) + "\n")
            text.flush()
            os.fsync(text.fileno())
        work.rename(file)
        Path(draft).rename(folder / f"{name}.json")
    finally:
        Path(draft).unlink(missing_ok=True)
    directory = os.open(folder, os.O_RDONLY)
    with suppress(OSError):  # some file systems know no such thing
        os.fsync(directory)
    os.close(directory)
    return Archive(partition, file, manifest["rows"], manifest["bytes"], since)


def _free_name(folder: Path, partition: str) -> str:
    """An archive that is there is never written over: the next one of the same partition gets a number."""
    name, number = partition, 1
    while (folder / f"{name}.csv.gz").exists() or (folder / f"{name}.json").exists():
        number += 1
        name = f"{partition}.{number}"
    return name


@contextmanager
def _faults_of(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AgentForgeError(
            f"No archive can be written to {folder}: {error.strerror}.",
            "Nothing was dropped. Free some space or name another folder.",
        ) from None
