-- is_filled --
SELECT EXISTS (SELECT FROM agentforge.quality_rules WHERE shipped_severity IS NOT NULL), agentforge.writes_everything();

-- fill --
-- Rules as this release has them. What was set here stays: a value that differs from the one that shipped.
INSERT INTO agentforge.quality_rules AS q
    (language, rule_id, rule_name, rule_description, category, severity, is_enabled, configuration, shipped_severity,
     shipped_enabled)
SELECT g.language, g.rule_id, g.rule_name, g.rule_description, g.category, g.severity, g.is_enabled, g.configuration,
       g.severity, g.is_enabled
FROM jsonb_to_recordset(%(rules)s::jsonb) AS g (
    language text, rule_id text, rule_name text, rule_description text, category text, severity text, is_enabled boolean,
    configuration jsonb)
ORDER BY g.language, g.rule_id
ON CONFLICT (language, rule_id) DO UPDATE SET
    rule_name = EXCLUDED.rule_name,
    rule_description = EXCLUDED.rule_description,
    category = EXCLUDED.category,
    severity = CASE WHEN q.severity = q.shipped_severity THEN EXCLUDED.severity ELSE q.severity END,
    is_enabled = CASE WHEN q.is_enabled = q.shipped_enabled THEN EXCLUDED.is_enabled ELSE q.is_enabled END,
    configuration = EXCLUDED.configuration,
    shipped_severity = EXCLUDED.shipped_severity,
    shipped_enabled = EXCLUDED.shipped_enabled
WHERE (q.rule_name, q.rule_description, q.category, q.configuration, q.shipped_severity, q.shipped_enabled)
      IS DISTINCT FROM (EXCLUDED.rule_name, EXCLUDED.rule_description, EXCLUDED.category, EXCLUDED.configuration,
                        EXCLUDED.shipped_severity, EXCLUDED.shipped_enabled);

-- drop_others --
-- Rules that shipped once and do so no longer. Rows that somebody else wrote have no shipped severity, and stay.
DELETE FROM agentforge.quality_rules AS q
WHERE q.shipped_severity IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM jsonb_to_recordset(%(rules)s::jsonb) AS g (language text, rule_id text)
    WHERE g.language = q.language AND g.rule_id = q.rule_id);

-- switches --
-- What was set here, by whatever means. A row without a shipped severity is somebody's own: all of it was set. A rule that is
-- off has no severity, which would switch it on.
SELECT q.language, q.rule_id, CASE WHEN q.is_enabled IS DISTINCT FROM q.shipped_enabled THEN q.is_enabled END,
       CASE WHEN q.is_enabled AND q.severity IS DISTINCT FROM q.shipped_severity THEN q.severity END
FROM agentforge.quality_rules AS q
WHERE q.is_enabled IS DISTINCT FROM q.shipped_enabled
   OR (q.is_enabled AND q.severity IS DISTINCT FROM q.shipped_severity)
ORDER BY q.language, q.rule_id;

-- set --
UPDATE agentforge.quality_rules AS q SET
    is_enabled = CASE WHEN %(reset)s THEN q.shipped_enabled ELSE coalesce(%(enabled)s, q.is_enabled) END,
    severity = CASE WHEN %(reset)s THEN q.shipped_severity ELSE coalesce(%(severity)s, q.severity) END
WHERE q.rule_id = %(rule_id)s AND q.language = ANY (%(languages)s) AND q.shipped_severity IS NOT NULL
RETURNING q.language, q.is_enabled, q.severity;
