"""bandit's findings, made by its own visitor and plug-ins over the syntax tree that the file has already (`scan`)."""

from agentforge.detect.bandit.config import BanditConfig, load_config

__all__ = ["BanditConfig", "load_config"]
