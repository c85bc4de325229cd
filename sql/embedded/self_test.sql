CREATE EXTENSION vector;

SELECT '[1,2,3]'::vector <-> '[3,2,1]'::vector;

DROP EXTENSION vector;

CREATE DATABASE agentforge;

