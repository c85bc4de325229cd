-- What a rule was as it shipped, beside what it is here: where the two differ, somebody set it, and no upgrade changes that.

ALTER TABLE agentforge.quality_rules
    ADD COLUMN shipped_severity text CHECK (shipped_severity IN ('critical', 'high', 'medium', 'low', 'info')),
    ADD COLUMN shipped_enabled boolean;
SELECT agentforge.audit_table(
    'agentforge.quality_rules', 'row',
    '{language,rule_id,rule_name,rule_description,category,severity,is_enabled,configuration,created_at,shipped_severity,
      shipped_enabled}'
);
