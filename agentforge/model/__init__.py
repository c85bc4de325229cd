"""What flows between the stages: frozen records with no behaviour beyond derived values.

Lines and columns count from 1, bytes from 0; an end line is inclusive, an end byte exclusive, an end column exclusive.
Scores run from 0 to 100 and 100 is best. Hashes are lower-case hexadecimal SHA-256.
"""

from agentforge.model.candidate import Candidate
from agentforge.model.report import (
    Analysis,
    Cluster,
    ClusterMember,
    DuplicatePair,
    Explanation,
    FunctionRef,
    Gate,
    GateCondition,
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
    Category,
    Confidence,
    RuleInfo,
    Severity,
    Status,
    Violation,
    Waiver,
)

__all__ = [
    "Analysis",
    "Candidate",
    "Category",
    "Chunk",
    "Cluster",
    "ClusterMember",
    "Confidence",
    "DuplicatePair",
    "Explanation",
    "FileAnalysis",
    "FileMetrics",
    "Function",
    "FunctionRef",
    "Gate",
    "GateCondition",
    "Halstead",
    "LanguageSummary",
    "LineCounts",
    "Match",
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
