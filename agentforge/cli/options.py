"""Options that several commands share.

Neither here nor in the modules of commands are annotations kept as texts: typer would evaluate each of them four times
at every start.
"""

import math
import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentforge.config.options import options
from agentforge.report.formats import ReportFormat

if TYPE_CHECKING:
    from agentforge.store.connection import DatabaseSettings


class Format(StrEnum):
    """How a list is shown."""

    TABLE = "table"
    JSON = "json"


Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help="Folders or files of one project, or a git URL.")]


def _setting(key: str, *short: str) -> Any:
    """An option that the environment and a file may set too: whatever it lacks, agentforge.config.resolve finds."""
    option = options()[key]
    known = {"env var": option.environment, "default": "" if option.default in (None, [], {}) else option.default}
    text = option.help.removesuffix(".") + "; repeatable." if option.type in ("texts", "globs") else option.help
    notes = "; ".join(f"{name}: {value}" for name, value in known.items() if value != "")
    return typer.Option(
        option.flag,
        *short,
        metavar=option.metavar or None,
        min=option.minimum,
        max=option.maximum,
        help=f"{text} [{notes}]" if notes else text,
    )


Include = Annotated[list[str], _setting("include")]
Exclude = Annotated[list[str], _setting("exclude")]
Jobs = Annotated[int | None, _setting("jobs", "-j")]
MaxFileSize = Annotated[int | None, _setting("max-file-size")]
Disable = Annotated[list[str], _setting("disable")]
Enable = Annotated[list[str], _setting("enable")]
ReportFormatOption = Annotated[ReportFormat | None, _setting("format", "-f")]
OutputFiles = Annotated[list[str], _setting("output-files", "-o")]
Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar="AGENTFORGE_CONFIG",
        help="Read this agentforge.toml or pyproject.toml, not the one in the analysed tree.",
    ),
]
Isolated = Annotated[bool, typer.Option("--isolated", help="Read no configuration file.")]
ShowSettings = Annotated[
    bool, typer.Option("--show-settings", help="Show each option, its value and where that comes from; then stop.")
]
ShowFiles = Annotated[
    bool,
    typer.Option("--show-files", help="List each file with its language, or the reason why it is skipped; then stop."),
]
# The variable may name a format that only reports have: then a list is shown as if it were not set.
_ONLY_OF_REPORTS = os.environ.get("AGENTFORGE_FORMAT") in set(options()["format"].choices) - set(Format)
OutputFormat = Annotated[
    Format,
    typer.Option(
        "--format",
        "-f",
        envvar=None if _ONLY_OF_REPORTS else "AGENTFORGE_FORMAT",
        help="table for people, json for machines.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
FailOnLevel = Annotated[str | None, _setting("gate.fail-on")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="REF", help="New is what was not there where HEAD and this git ref parted."),
]
Branch = Annotated[
    str | None,
    typer.Option(
        "--branch",
        metavar="NAME",
        envvar="AGENTFORGE_BRANCH",
        help="Of which branch this is; else the one that is checked out. CI often checks out none.",
    ),
]
BaselineFile = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="New is what is not in this report: our JSON or any tool's SARIF; REF:PATH reads it from git.",
    ),
]
Staged = Annotated[
    bool, typer.Option("--staged", help="Look at what is staged; new is what the last commit does not have.")
]


def number(value: float | None) -> float | None:
    """A callback: refuse what is no number, which is in every range."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter("nan is no number.")
    return value


class _Typed(str):
    """What somebody typed, and no variable says."""


def _typed(context: typer.Context, param: typer.CallbackParam, value: str | None) -> str | None:
    source = context.get_parameter_source(param.name or "")
    return _Typed(value) if value is not None and source and source.name == "COMMANDLINE" else value


DataDir = Annotated[
    str | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        envvar="AGENTFORGE_DATA_DIR",
        help="Folder of the embedded server.",
        callback=_typed,
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        metavar="URL",
        envvar="AGENTFORGE_DATABASE_URL",
        help="Use this PostgreSQL instead.",
        callback=_typed,
    ),
]
Model = Annotated[str | None, _setting("model")]
CompareModel = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", envvar="AGENTFORGE_MODEL", help="Compare by this model's vectors."),
]
Embed = Annotated[str | None, _setting("embed")]
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


def database_of(database_url: str | None, data_dir: str | None) -> "DatabaseSettings":
    """What two of these options mean: what is typed goes before what variables say. Imports the driver.

    Raises:
        UsageError: both are typed.
    """
    from agentforge.cli.database import database_settings
    from agentforge.errors import UsageError
    from agentforge.store.connection import DatabaseSettings

    if isinstance(data_dir, _Typed):
        if isinstance(database_url, _Typed):
            raise UsageError("--database-url names a server and --data-dir another one.", "Give one of them.")
        return DatabaseSettings(data_dir=data_dir)
    return database_settings(database_url, data_dir)
