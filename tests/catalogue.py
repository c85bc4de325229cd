"""What a database is made of, and what it holds, in a form in which two of them can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

# Objects that belong to an extension are its own affair.
OWN = "NOT EXISTS (SELECT FROM pg_depend AS x WHERE x.classid = {classid} AND x.objid = {oid} AND x.deptype = 'e')"
OWN_RELATION = OWN.format(classid="'pg_class'::regclass", oid="c.oid")
OWN_FUNCTION = OWN.format(classid="'pg_proc'::regclass", oid="p.oid")
OWN_TYPE = OWN.format(classid="'pg_type'::regclass", oid="t.oid")
RELATIONS = f"FROM pg_class AS c WHERE c.relnamespace = 'agentforge'::regnamespace AND {OWN_RELATION}"
ACL = """(SELECT array_agg(concat_ws(' ', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
          a.privilege_type, a.is_grantable, a.grantor::regrole) ORDER BY a.grantee, a.privilege_type)
          FROM aclexplode({acl}) AS a)"""
KIND = "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\""

PARTS = {
    "relations": f"""
        SELECT c.relname, c.relkind, c.relpersistence, c.reloptions, c.relrowsecurity, c.relforcerowsecurity,
               c.relowner::regrole::text, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid),
               CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END, obj_description(c.oid, 'pg_class'),
               (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid), c.relispopulated
        {RELATIONS}""",
    "columns": f"""
        SELECT c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
               a.attgenerated, a.attcollation::regcollation::text, a.attstorage, a.attcompression,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum),
               row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum)
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND {OWN_RELATION}""",
    # A partition that is made after a constraint that was not validated on its parent has it validated.
    "constraints": """
        SELECT k.conrelid::regclass::text, k.conname,
               CASE WHEN c.relispartition THEN replace(pg_get_constraintdef(k.oid), ' NOT VALID', '')
                    ELSE pg_get_constraintdef(k.oid) END, k.conislocal
        FROM pg_constraint AS k LEFT JOIN pg_class AS c ON c.oid = k.conrelid
        WHERE k.connamespace = 'agentforge'::regnamespace""",
    "indexes": f"""
        SELECT c.relname, pg_get_indexdef(c.oid), i.indisvalid, i.indisclustered, c.reloptions
        FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid
        WHERE c.relnamespace = 'agentforge'::regnamespace AND {OWN_RELATION}""",
    "functions": f"""
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proowner::regrole::text,
               {ACL.format(acl="coalesce(p.proacl, acldefault('f', p.proowner))")}, obj_description(p.oid, 'pg_proc')
        FROM pg_proc AS p
        WHERE p.pronamespace = 'agentforge'::regnamespace AND p.prokind IN ('f', 'p') AND {OWN_FUNCTION}""",
    "triggers": f"""
        SELECT pg_get_triggerdef(t.oid), t.tgenabled FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'agentforge'::regnamespace AND NOT t.tgisinternal AND {OWN_RELATION}""",
    "policies": """
        SELECT tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies
        WHERE schemaname = 'agentforge'""",
    "grants": f"""
        SELECT c.relname,
               {ACL.format(acl=f"coalesce(c.relacl, acldefault({KIND}, c.relowner))")}
        {RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S')""",
    "column_grants": f"""
        SELECT c.relname, a.attname, {ACL.format(acl="a.attacl")}
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
        WHERE c.relnamespace = 'agentforge'::regnamespace AND {OWN_RELATION}""",
    "schema": f"""
        SELECT n.nspname, n.nspowner::regrole::text, {ACL.format(acl="n.nspacl")}
        FROM pg_namespace AS n WHERE n.nspname = 'agentforge'""",
    "default_grants": f"""
        SELECT d.defaclrole::regrole::text, d.defaclnamespace, d.defaclobjtype, {ACL.format(acl="d.defaclacl")}
        FROM pg_default_acl AS d""",
    "sequences": """
        SELECT sequencename, data_type::text, start_value, min_value, max_value, increment_by, cycle, cache_size
        FROM pg_sequences WHERE schemaname = 'agentforge'""",
    "types": f"""
        SELECT t.typname, t.typtype, array(SELECT enumlabel FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder)
        FROM pg_type AS t
        WHERE t.typnamespace = 'agentforge'::regnamespace AND t.typtype IN ('e', 'd', 'r') AND {OWN_TYPE}""",
    "statistics": """
        SELECT stxname, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
        WHERE stxnamespace = 'agentforge'::regnamespace""",
    "extensions": "SELECT extname, extnamespace::regnamespace::text FROM pg_extension WHERE extname <> 'plpgsql'",
}

HASH = """SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM agentforge.{table} AS t"""


def catalogue(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in schema agentforge but rows: a list for each kind of object.

    Args:
        connection: to a database with the schema.
    """
    with connection.transaction():
        connection.execute("SET LOCAL search_path = pg_catalog")  # so that every name is shown in full
        return {part: sorted(connection.execute(query.encode()).fetchall(), key=str) for part, query in PARTS.items()}


def differences(one: dict[str, list[tuple[Any, ...]]], other: dict[str, list[tuple[Any, ...]]]) -> list[str]:
    """What is in one catalogue only, a line each."""
    return [
        f"{sign} {part}: {row}"
        for part in PARTS
        for sign, rows, others in (("-", one[part], other[part]), ("+", other[part], one[part]))
        for row in rows
        if row not in others
    ]


def contents(connection: Connection) -> dict[str, tuple[int, int]]:
    """Number of rows and a hash of all of them, for each table and materialised view but partitions."""
    names = connection.execute(
        f"SELECT c.relname {RELATIONS} AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition ORDER BY 1".encode()
    ).fetchall()
    found: dict[str, tuple[int, int]] = {}
    for (name,) in names:
        row = connection.execute(sql.SQL(HASH).format(table=sql.Identifier(name))).fetchone()
        assert row is not None
        found[name] = (row[0], row[1])
    return found
