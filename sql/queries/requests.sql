-- limits --
-- A log entry is not worth waiting for.
SELECT set_config('statement_timeout', '1s', true), set_config('lock_timeout', '1s', true);

-- record --
INSERT INTO agentforge.api_requests (endpoint, method, request_id, response_status, response_time_ms, user_agent)
VALUES (%(endpoint)s, 'CLI', %(request_id)s, %(status)s, %(milliseconds)s, %(user_agent)s);

-- record_error --
INSERT INTO agentforge.error_logs (error_type, error_message, stack_trace, request_id, context)
VALUES (%(error_type)s, %(error_message)s, %(stack_trace)s, %(request_id)s, %(context)s);
