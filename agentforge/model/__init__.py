"""What flows between the stages: frozen records with no behaviour beyond derived values.

Lines and columns count from 1, bytes from 0; an end line is inclusive, an end byte exclusive, an end column exclusive.
Scores run from 0 to 100 and 100 is best. Hashes are lower-case hexadecimal SHA-256.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentforge.model.candidate import Candidate
    from agentforge.model.centres import Centres
    from agentforge.model.report import (
        Analysis,
        Cluster,
        ClusterMember,
        DuplicatePair,
        Explanation,
        FunctionRef,
        Gate,
        GateCondition,
        IdiomCount,
        LanguageSummary,
        Match,
        Phase,
        Project,
        Report,
        Rewritten,
        SeverityCount,
        Summary,
        TextMatch,
    )
    from agentforge.model.source import (
        Chunk,
        FileAnalysis,
        FileMetrics,
        Function,
        Halstead,
        LineCounts,
        Scores,
        SkippedFile,
        SourceFile,
    )
    from agentforge.model.violation import (
        DUPLICATE_FUNCTION,
        Category,
        Confidence,
        FlowStep,
        PatternType,
        RuleInfo,
        Severity,
        Status,
        Violation,
        Waiver,
    )

__all__ = [
    "DUPLICATE_FUNCTION",
    "Analysis",
    "Candidate",
    "Category",
    "Centres",
    "Chunk",
    "Cluster",
    "ClusterMember",
    "Confidence",
    "DuplicatePair",
    "Explanation",
    "FileAnalysis",
    "FileMetrics",
    "FlowStep",
    "Function",
    "FunctionRef",
    "Gate",
    "GateCondition",
    "Halstead",
    "IdiomCount",
    "LanguageSummary",
    "LineCounts",
    "Match",
    "PatternType",
    "Phase",
    "Project",
    "Report",
    "Rewritten",
    "RuleInfo",
    "Scores",
    "Severity",
    "SeverityCount",
    "SkippedFile",
    "SourceFile",
    "Status",
    "Summary",
    "TextMatch",
    "Violation",
    "Waiver",
]

_MODULES = ("candidate", "violation", "centres", "source", "report")

if not TYPE_CHECKING:  # else any name would be right to the type checker

    def __getattr__(name: str) -> Any:
        """One of these, when it is first asked for: to make all of them takes a sixth of the time of `--help`."""
        if name in __all__:
            for module in _MODULES:
                found = vars(import_module(f"{__name__}.{module}"))
                if name in found:
                    globals()[name] = found[name]
                    return found[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
