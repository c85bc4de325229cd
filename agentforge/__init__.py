"""AgentForge: static analysis whose results live in PostgreSQL with pgvector."""

__version__ = "0.1.0"
