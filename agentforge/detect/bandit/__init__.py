"""bandit's findings, made by its own visitor and plug-ins over the syntax tree that the file has already."""

from agentforge.detect.bandit.config import BanditConfig, load_config
from agentforge.detect.bandit.scan import scan

__all__ = ["BanditConfig", "load_config", "scan"]
