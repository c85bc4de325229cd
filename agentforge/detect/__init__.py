"""Rules as data against parsed files, and the identity of what they find."""

from agentforge.detect.engine import detect
from agentforge.detect.rule import Level, Rule
from agentforge.detect.rule_set import RuleSet, rule_set

__all__ = ["Level", "Rule", "RuleSet", "detect", "rule_set"]
