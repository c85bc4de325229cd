"""Write the ER diagram in docs/schema.md from the catalogue of a migrated database.

    python docs/generate_schema.py [DATABASE_URL]

makes an embedded database of its own without a URL. `tests/integration/store/test_schema_document.py` holds the
document to it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from agentforge.cli.database import open_as_owner
from agentforge.store.connection import DatabaseSettings
from agentforge.store.embedded import control

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

DOCUMENT = Path(__file__).with_name("schema.md")
BLOCK = re.compile(r"```mermaid\n.*?```", re.DOTALL)
COLUMNS = """
    SELECT c.relname, a.attname, replace(format_type(a.atttypid, NULL), ' ', '_'),
           EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p' AND a.attnum = ANY (conkey)),
           EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'f' AND a.attnum = ANY (conkey))
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relname NOT LIKE '%\\_y____m__'
    ORDER BY c.relname, a.attnum
"""
REFERENCES = """
    SELECT DISTINCT parent.relname, child.relname, a.attname, NOT a.attnotnull
    FROM pg_constraint AS k
    JOIN pg_class AS child ON child.oid = k.conrelid AND NOT child.relispartition
    JOIN pg_class AS parent ON parent.oid = k.confrelid
    JOIN pg_attribute AS a ON a.attrelid = child.oid AND a.attnum = k.conkey[1]
    WHERE k.contype = 'f' AND k.conparentid = 0 AND child.relnamespace = 'agentforge'::regnamespace
    ORDER BY 1, 2, 3
"""


def diagram(connection: Connection) -> str:
    """The schema as a Mermaid ER diagram, in its fence."""
    lines = ["```mermaid", "erDiagram"]
    for parent, child, column, optional in connection.execute(REFERENCES.encode()):
        lines.append(f"    {parent} {'|o' if optional else '||'}--o{{ {child} : {column}")
    table = ""
    for name, column, kind, primary, foreign in connection.execute(COLUMNS.encode()):
        if name != table:
            lines += ["    }"] if table else []
            lines.append(f"    {name} {{")
            table = name
        keys = ", ".join(key for key, holds in (("PK", primary), ("FK", foreign)) if holds)
        lines.append(f"        {kind} {column} {keys}".rstrip())
    return "\n".join([*lines, "    }", "```"])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="agentforge-") as folder:
        settings = DatabaseSettings(url=sys.argv[1] if len(sys.argv) > 1 else None, data_dir=f"{folder}/server")
        with open_as_owner(settings, print) as connection:
            made = diagram(connection)
        if settings.embedded:
            control.stop(settings)
    text = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(BLOCK.sub(lambda _: made, text), "utf-8")
