-- lock --
-- One session at a time appends to the chain or chains anew; released at the end of the transaction.
SELECT pg_advisory_xact_lock(1095124047, -2);

-- snapshot --
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- unchained --
-- Rows that are to be chained next: id, created_at, month, whether it has values that are not encrypted, all columns. What is
-- older than the last chained row by more than a day is left out on purpose: it was written afterwards.
SELECT a.id, a.created_at, date_trunc('month', a.created_at AT TIME ZONE 'UTC')::date,
       NOT coalesce(a.old_values ?& '{v,key,nonce,data}', true) OR NOT coalesce(a.new_values ?& '{v,key,nonce,data}', true),
       ARRAY[a.id::text, a.user_id::text, a.database_user, a.action, a.resource_type, a.resource_id::text,
             a.project_id::text, a.old_values::text, a.new_values::text, a.row_count::text, a.request_id::text,
             a.ip_address::text, a.user_agent, (extract(epoch FROM a.created_at) * 1000000)::bigint::text]
FROM agentforge.audit_logs AS a
WHERE a.created_at > coalesce(
          (SELECT max(c.log_created_at) - interval '1 day' FROM agentforge.audit_chain AS c WHERE c.log_created_at <= now()),
          '-infinity')
  AND NOT EXISTS (
      SELECT FROM agentforge.audit_chain AS c WHERE c.log_created_at = a.created_at AND c.log_id = a.id)
ORDER BY a.created_at, a.id
LIMIT %(batch_rows)s;

-- latest_key --
SELECT key_id FROM agentforge.audit_chain ORDER BY log_created_at DESC, log_id DESC LIMIT 1;

-- head --
SELECT position, hash, key_id FROM agentforge.audit_chain WHERE month = %(month)s ORDER BY position DESC LIMIT 1;

-- append --
INSERT INTO agentforge.audit_chain (month, position, log_id, log_created_at, hash, key_id)
SELECT n.month, n.position, n.log_id, n.log_created_at, n.hash, %(key_id)s
FROM unnest(%(months)s::date[], %(positions)s::bigint[], %(ids)s::bigint[], %(times)s::timestamptz[], %(hashes)s::bytea[])
    AS n (month, position, log_id, log_created_at, hash);

-- months --
SELECT month FROM agentforge.audit_chain GROUP BY month ORDER BY month;

-- chained --
-- The chain of a month beside the rows that it was made of, in its order; no columns where the row is not there.
SELECT c.position, c.log_id, c.log_created_at, c.hash, c.key_id, CASE WHEN a.id IS NOT NULL THEN
       ARRAY[a.id::text, a.user_id::text, a.database_user, a.action, a.resource_type, a.resource_id::text,
             a.project_id::text, a.old_values::text, a.new_values::text, a.row_count::text, a.request_id::text,
             a.ip_address::text, a.user_agent, (extract(epoch FROM a.created_at) * 1000000)::bigint::text] END
FROM agentforge.audit_chain AS c
LEFT JOIN agentforge.audit_logs AS a
  ON a.id = c.log_id AND a.created_at = c.log_created_at AND a.created_at >= %(month)s::timestamp AT TIME ZONE 'UTC'
 AND a.created_at < (%(month)s::timestamp + interval '1 month') AT TIME ZONE 'UTC'
WHERE c.month = %(month)s
ORDER BY c.position;

-- elsewhere --
SELECT created_at FROM agentforge.audit_logs WHERE id = %(log_id)s LIMIT 1;

-- chained_late --
-- By month, the first chained row that is older by more than a day than what had been chained before it.
WITH batches AS (
    SELECT chained_at, max(log_created_at) AS reached FROM agentforge.audit_chain GROUP BY chained_at
), earlier AS (
    SELECT chained_at,
           max(reached) OVER (ORDER BY chained_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
    FROM batches
)
SELECT DISTINCT ON (c.month) c.month, c.position, c.log_id
FROM agentforge.audit_chain AS c JOIN earlier AS e USING (chained_at)
WHERE e.reached IS NOT NULL AND c.log_created_at < least(e.reached, c.chained_at) - interval '1 day'
ORDER BY c.month, c.position;

-- never_chained --
-- By month, the first row that is too old to be chained by the next maintenance.
SELECT DISTINCT ON (m.month) m.month, a.id
FROM agentforge.audit_logs AS a
CROSS JOIN LATERAL (SELECT date_trunc('month', a.created_at AT TIME ZONE 'UTC')::date AS month) AS m
WHERE a.created_at <= (
          SELECT max(c.log_created_at) - interval '1 day' FROM agentforge.audit_chain AS c WHERE c.log_created_at <= now())
  AND NOT EXISTS (
      SELECT FROM agentforge.audit_chain AS c WHERE c.log_created_at = a.created_at AND c.log_id = a.id)
ORDER BY m.month, a.created_at, a.id;

-- at_position --
SELECT hash, key_id FROM agentforge.audit_chain WHERE month = %(month)s AND position = %(position)s;

-- is_retained --
SELECT (%(month)s::timestamp + interval '1 month') AT TIME ZONE 'UTC' > now() - retention
FROM agentforge.partition_settings WHERE table_name = 'audit_logs';

-- plain --
-- Values that are to be encrypted before their rows are chained.
SELECT a.id, a.created_at, a.old_values::text, a.new_values::text
FROM agentforge.audit_logs AS a
WHERE a.created_at > coalesce(
          (SELECT max(c.log_created_at) - interval '1 day' FROM agentforge.audit_chain AS c WHERE c.log_created_at <= now()),
          '-infinity')
  AND NOT (coalesce(a.old_values ?& '{v,key,nonce,data}', true) AND coalesce(a.new_values ?& '{v,key,nonce,data}', true))
  AND NOT EXISTS (
      SELECT FROM agentforge.audit_chain AS c WHERE c.log_created_at = a.created_at AND c.log_id = a.id)
ORDER BY a.created_at, a.id
LIMIT %(batch_rows)s;

-- unchained_of_key --
-- Rows outside the chain that are encrypted with a key.
SELECT a.id, a.created_at, a.old_values::text, a.new_values::text
FROM agentforge.audit_logs AS a
WHERE (a.old_values ->> 'key' = %(key_id)s AND a.old_values ?& '{v,nonce,data}'
       OR a.new_values ->> 'key' = %(key_id)s AND a.new_values ?& '{v,nonce,data}')
  AND NOT EXISTS (
      SELECT FROM agentforge.audit_chain AS c WHERE c.log_created_at = a.created_at AND c.log_id = a.id)
ORDER BY a.created_at, a.id
LIMIT %(batch_rows)s;

-- replace_values --
UPDATE agentforge.audit_logs AS a SET old_values = n.old_values::jsonb, new_values = n.new_values::jsonb
FROM unnest(%(ids)s::bigint[], %(times)s::timestamptz[], %(old)s::text[], %(new)s::text[])
    AS n (id, created_at, old_values, new_values)
WHERE a.id = n.id AND a.created_at = n.created_at
RETURNING a.id, a.created_at, a.old_values::text, a.new_values::text;

-- replace_links --
UPDATE agentforge.audit_chain AS c SET hash = n.hash, key_id = %(key_id)s
FROM unnest(%(positions)s::bigint[], %(hashes)s::bytea[]) AS n (position, hash)
WHERE c.month = %(month)s AND c.position = n.position;
