"""The diagram in docs/schema.md is that of the schema, and every table is spoken of."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.migrate import migrate

DOCS = Path(__file__).parents[3] / "docs"


def test_the_document_is_current(database_url: str) -> None:
    spec = importlib.util.spec_from_file_location("generate_schema", DOCS / "generate_schema.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    text = (DOCS / "schema.md").read_text()
    with connect(DatabaseSettings(url=database_url)) as connection:
        migrate(connection)
        assert generator.diagram(connection) in text, "run: python docs/generate_schema.py"
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'agentforge'::regnamespace "
            "AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition "
            "AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')"
        ).fetchall()
    before_diagram = text.split("```mermaid")[0]
    assert [name for (name,) in tables if f"`{name}`" not in before_diagram] == []
