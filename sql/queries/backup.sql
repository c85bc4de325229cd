-- tables --
SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('agentforge') AND relkind IN ('r', 'p');
