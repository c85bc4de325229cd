"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """How an analysis is shown."""

    TABLE = "table"
    JSON = "json"


Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help="Folders or files of one project, or a git URL.")]
Include = Annotated[
    list[str], typer.Option("--include", metavar="GLOB", help="Analyse only these (as in .gitignore); repeatable.")
]
Exclude = Annotated[
    list[str], typer.Option("--exclude", metavar="GLOB", help="Leave these out (as in .gitignore); repeatable.")
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", min=0, envvar="AGENTFORGE_JOBS", help="Worker processes; 0 is one a core.")
]
MaxFileSize = Annotated[
    int,
    typer.Option(
        "--max-file-size", min=1, metavar="BYTES", envvar="AGENTFORGE_MAX_FILE_SIZE", help="Skip larger files."
    ),
]
ShowFiles = Annotated[
    bool,
    typer.Option("--show-files", help="List each file with its language, or the reason why it is skipped; then stop."),
]
OutputFormat = Annotated[
    Format, typer.Option("--format", "-f", envvar="AGENTFORGE_FORMAT", help="table for people, json for machines.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]

DEFAULT_MAX_FILE_SIZE = 2 * 1024 * 1024


DataDir = Annotated[
    str | None,
    typer.Option("--data-dir", metavar="DIR", envvar="AGENTFORGE_DATA_DIR", help="Folder of the embedded server."),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url", metavar="URL", envvar="AGENTFORGE_DATABASE_URL", help="Use this PostgreSQL instead."
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="NAME",
        envvar="AGENTFORGE_MODEL",
        help="What embeds functions: hashed, or a sentence-transformers model (name or folder).",
    ),
]
EncryptionKeyFile = Annotated[
    str | None,
    typer.Option(
        "--encryption-key-file",
        metavar="FILE",
        envvar="AGENTFORGE_AUDIT_ENCRYPTION_KEY_FILE",
        help="Key of the audit trail's values; else AGENTFORGE_AUDIT_ENCRYPTION_KEY holds it.",
    ),
]
MonthsAhead = Annotated[
    int, typer.Option("--months-ahead", min=0, max=120, metavar="N", help="Make partitions for so many months.")
]
ArchiveTo = Annotated[
    str | None,
    typer.Option(
        "--archive-to",
        metavar="DIR",
        envvar="AGENTFORGE_ARCHIVE_DIR",
        help="Write what is past its retention to files there, before it is dropped.",
    ),
]
KeepDetached = Annotated[
    bool, typer.Option("--keep-detached", help="Detach what is past its retention, but keep the tables.")
]
