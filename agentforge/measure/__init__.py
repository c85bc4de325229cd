"""Tree to figures: functions with their complexity, lines of a file."""

from agentforge.measure.generic import measure

__all__ = ["measure"]
